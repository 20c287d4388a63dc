package define

import (
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// own is how the definition that is wired is partitioned.
func (w *wiring) own() partition.Definition {
	if len(w.def.Outputs) == 0 {
		return nil
	}
	return w.scope.PartitionsOf(w.def.Outputs[0].Name)
}

// parts reports which partitions of an upstream a field reads, nil where neither side is
// partitioned. It notes what does not fit, and reports false then.
func (w *wiring) parts(f *argument, from string, m partition.Mapping) (*graph.Parts, bool) {
	up, own := w.scope.PartitionsOf(from), w.own()
	if up == nil && own == nil && m.IsZero() && f.wrap.Several == nil && f.wrap.Optional == nil {
		return nil, true // nearly all of a large repository: not even the place of a mistake is spelled out
	}
	at := "input " + f.field
	switch {
	case up == nil && own == nil:
		return nil, w.refuseUnpartitioned(at, f, from, m)
	case up == nil && f.wrap.Several != nil:
		w.report(at, "%q has no partitions, and the field takes several: make it a %s", from, f.typ)
		return nil, false
	}
	if err := m.Check(up, own); err != nil {
		if fault.SnakeCase(f.field) == from {
			w.report(at, "%v", err)
		} else { // a map of several, or a name that Deps gives
			w.report(at, "upstream %q: %v", from, err)
		}
		return nil, false
	}
	p := &graph.Parts{Mapping: m.Resolve(up, own)}
	reading := m.Reading(up, own)
	switch {
	case f.wrap.Several != nil:
		p.Multiple = f.wrap.Several
	case reading.Several:
		w.report(at, "by %s it reads several partitions of %q: make the field a rivers.Partitions[%s]", p.Mapping, from, f.typ)
		return nil, false
	case f.wrap.Optional != nil:
		p.Optional = f.wrap.Optional
	case reading.None:
		w.report(at, "by %s some partitions read nothing of %q: make the field a rivers.Optional[%s]", p.Mapping, from, f.typ)
		return nil, false
	}
	if up != nil && f.wrap.Several == nil {
		w.single = f
	}
	return p, true
}

// refuseUnpartitioned refuses what is for partitions where there are none.
func (w *wiring) refuseUnpartitioned(at string, f *argument, from string, m partition.Mapping) bool {
	switch {
	case !m.IsZero():
		w.report(at, "neither %q nor this has partitions, so the mapping %s has no effect: remove it", from, m)
	case f.wrap.Several != nil:
		w.report(at, "neither %q nor this has partitions: make the field a %s", from, f.typ)
	case f.wrap.Optional != nil:
		w.report(at, "neither %q nor this has partitions, so it is always there: make the field a %s", from, f.typ)
	default:
		return true
	}
	return false
}

// selfParts reports which of its own partitions an asset reads: the window before, where it is
// partitioned by one line of time, else the same key, unless the mapping names others.
func (w *wiring) selfParts(f *argument, m partition.Mapping) (*graph.Parts, bool) {
	own := w.own()
	if own == nil {
		return nil, w.refuseUnpartitioned("input "+f.field, &argument{field: f.field, wrap: &plainField}, w.def.Outputs[0].Name, m)
	}
	if m.IsZero() {
		if m = partition.TimeOffset(-1); m.Check(own, own) != nil {
			m = partition.Identity()
		}
	}
	at := "input " + f.field
	if err := m.Check(own, own); err != nil {
		w.report(at, "%v", err)
		return nil, false
	}
	if m.Reading(own, own).Several {
		w.report(at, "by %s it reads several of its own partitions, and a SelfDependency is one value: use ctx.LoadPartition", m)
		return nil, false
	}
	w.single = f
	return &graph.Parts{Mapping: m}, true
}

// waitParts reports which partitions of an upstream are waited for: all of them where no mapping
// follows from the definitions.
func (w *wiring) waitParts(d Dep) *graph.Parts {
	at, up, own := "dep "+fault.Quoted(d.On), w.scope.PartitionsOf(d.On), w.own()
	if up == nil && own == nil {
		if !d.Mapping.IsZero() {
			w.report(at, "neither %q nor this has partitions, so the mapping %s has no effect: remove it", d.On, d.Mapping)
		}
		return nil
	}
	m := d.Mapping
	if err := m.Check(up, own); err != nil {
		if !m.IsZero() {
			w.report(at, "%v", err)
			return nil
		}
		m = partition.AllPartitions()
	}
	return &graph.Parts{Mapping: m.Resolve(up, own)}
}

// inside reports that a step of a graph asset reads the same partition of another.
func (w *wiring) inside() *graph.Parts {
	if w.own() == nil {
		return nil
	}
	return &graph.Parts{Mapping: partition.Identity()}
}

// calledOnce reports whether a function that returns a result of a shape is called once for all
// partitions of a step: one that returns them all, or writes by itself and reads nothing that
// differs between them.
func (w *wiring) calledOnce(s ResultKind) bool {
	own := w.own()
	switch {
	case s == ResultPartitions && own == nil:
		w.report("result", "it is a rivers.Partitions, and the asset has none: give it Partitions, or return one value")
		return false
	case s == ResultPartitions && w.single != nil:
		w.report("input "+w.single.field, "the function makes all partitions in one call, and the field takes the value of one: make it a rivers.Partitions[%s]", w.single.typ)
		return false
	}
	return own != nil && (s == ResultPartitions || s == ResultWritten && w.single == nil)
}
