package staleness_test

import (
	"fmt"
	"maps"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// model is the state of a partition.
type model struct {
	seq, read int64
	run       storage.RunKey
	version   string
	code      string
	inputs    map[string]string
	group     bool
}

func (w *world) run() storage.Fence {
	w.runs++
	b := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint("run", w.runs), Location: "here", Token: 1, CreatedAt: w.now}}}
	w.commit(&b)
	return storage.Fence{Run: b.Runs[0].Key, Token: 1}
}

// step is an attempt that has begun.
type step struct {
	fence  storage.Fence
	spec   spec
	texts  []string
	group  bool
	read   int64 // of the store
	tick   int64 // of the model
	inputs []map[string]string
}

// begin begins to make partitions of an asset: each by itself, or all as one.
func (w *world) begin(fence storage.Fence, name string, group bool, texts ...string) *step {
	w.Helper()
	seq, err := w.store.ChangeSeq(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	st := &step{fence: fence, spec: *w.spec(name), texts: texts, group: group, read: seq, tick: w.tick}
	for _, text := range texts {
		st.inputs = append(st.inputs, w.inputs(&st.spec, text))
	}
	return st
}

// inputs are the versions that a partition would record now: what the engine does.
func (w *world) inputs(s *spec, text string) map[string]string {
	w.Helper()
	var inputs map[string]string
	for i := range s.reads {
		if s.reads[i].on == s.name {
			continue
		}
		if inputs == nil {
			inputs = map[string]string{}
		}
		version := ""
		if up := w.upstream(s, &s.reads[i], text); len(up) == 1 {
			if m := w.made[s.reads[i].on][up[0]]; m != nil {
				version = m.version
			}
		} else if len(up) > 1 {
			version = "several"
		}
		inputs[s.reads[i].on] = version
	}
	return inputs
}

// end records what a step made, with a version.
func (w *world) end(st *step, version string) {
	w.Helper()
	space := w.space(st.spec.def)
	if st.group {
		w.land(st, space, st.texts, version, st.inputs[0])
		return
	}
	for i, text := range st.texts {
		inputs := maps.Clone(st.inputs[i])
		for k := range st.spec.reads { // what the own run made is known, whenever it landed
			d := &st.spec.reads[k]
			if d.on == st.spec.name {
				continue
			}
			if up := w.upstream(&st.spec, d, text); len(up) == 1 {
				if m := w.made[d.on][up[0]]; m != nil && m.run == st.fence.Run {
					inputs[d.on] = m.version
				}
			}
		}
		w.land(st, space, []string{text}, version, inputs)
	}
}

func (w *world) land(st *step, space partition.Space, texts []string, version string, inputs map[string]string) {
	w.Helper()
	w.n++
	w.tick++
	d := storage.Detail{Data: version, Code: st.spec.code, Inputs: inputs, ReadSeq: st.read}
	u := storage.AssetUpdate{
		Asset: w.keys[st.spec.name], Run: st.fence.Run, N: w.n, At: storage.Micros(w.n), DataVersion: version, CodeVersion: st.spec.code,
	}
	if st.spec.def != nil {
		u.Partitions = w.setOf(space, texts...)
		d.Partitions = u.Partitions
		if !st.group {
			u.Partition = texts[0]
		}
	}
	if st.spec.external {
		u.Kind = storage.Observed
	}
	u.Detail = d.AppendJSON(nil)
	w.commit(&storage.Batch{Fence: st.fence, Assets: []storage.AssetUpdate{u}})
	if w.made[st.spec.name] == nil {
		w.made[st.spec.name] = map[string]*model{}
	}
	for _, text := range texts {
		w.made[st.spec.name][text] = &model{
			seq: w.tick, read: st.tick, run: st.fence.Run, version: version, code: st.spec.code, inputs: inputs, group: st.group,
		}
	}
}

func (w *world) wipe(name string, texts ...string) {
	w.Helper()
	s := w.spec(name)
	w.n++
	w.tick++
	u := storage.AssetUpdate{Asset: w.keys[name], Kind: storage.Wiped, At: storage.Micros(w.n), N: w.n}
	if s.def != nil {
		u.Partitions = w.setOf(w.space(s.def), texts...)
	}
	w.commit(&storage.Batch{Assets: []storage.AssetUpdate{u}})
	for _, text := range texts {
		delete(w.made[name], text)
	}
}

func (w *world) wipeAll(s *spec) {
	w.Helper()
	w.n++
	w.tick++
	sets, err := w.store.PartitionSets(w.ctx, []storage.AssetKey{w.keys[s.name]})
	if err != nil {
		w.Fatal(err)
	}
	if sets[0].Materialized.IsEmpty() {
		return
	}
	u := storage.AssetUpdate{Asset: w.keys[s.name], Kind: storage.Wiped, At: storage.Micros(w.n), N: w.n}
	if s.def != nil {
		u.Partitions = sets[0].Materialized
	}
	w.commit(&storage.Batch{Assets: []storage.AssetUpdate{u}})
	delete(w.made, s.name)
}

// landSet records partitions of an asset that a run made at once, without the model.
func (w *world) landSet(name string, set partition.Set) {
	w.Helper()
	fence := w.run()
	w.n++
	d := storage.Detail{Data: fmt.Sprint(w.n), Partitions: set}
	for _, dep := range w.spec(name).reads {
		if dep.on != name {
			d.Inputs = map[string]string{dep.on: "several"}
		}
	}
	w.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{{
		Asset: w.keys[name], Partitions: set, Run: fence.Run, N: w.n, At: storage.Micros(w.n), DataVersion: d.Data, Detail: d.AppendJSON(nil),
	}}})
}
