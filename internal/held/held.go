// Package held tells which recorded values are still there, of assets whose IO handler keeps values
// in memory. Their records outlive the process and their values do not: such a value is missing, in
// every process but the one that has it.
package held

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// Values knows the assets of a graph whose values are in memory. A nil *Values is that of a graph
// that has none, or of a store whose records end with the process too.
type Values struct {
	assets   map[string]bool
	handlers []iohandler.Holder
}

// Of returns the values of a graph whose records a store has, nil for a store in memory. The store
// is nil while none is open. An asset whose handler is no [iohandler.Holder] is taken to have what
// is recorded.
func Of(g *graph.Graph, store any) *Values {
	if lasting, ok := store.(interface{ ValuesDir() string }); store != nil && (!ok || lasting.ValuesDir() == "") {
		return nil
	}
	v := &Values{assets: map[string]bool{}}
	known := map[iohandler.Holder]bool{}
	for i := range int32(g.Outputs()) {
		out, n := g.Output(i)
		holder, ok := out.Handler.(iohandler.Holder)
		if !ok || !out.Asset || out.Type == nil || g.Node(n).Kind == graph.External || iohandler.Outlives(out.Handler) {
			continue
		}
		v.assets[out.Name] = true
		if !known[holder] {
			known[holder] = true
			v.handlers = append(v.handlers, holder)
		}
	}
	if len(v.assets) == 0 {
		return nil
	}
	return v
}

// Now returns what is there now.
func (v *Values) Now() *Snapshot {
	if v == nil {
		return nil
	}
	s := &Snapshot{values: v, texts: map[string][]string{}}
	for _, h := range v.handlers {
		h.Held(func(name, partition string) {
			if v.assets[name] {
				s.texts[name] = append(s.texts[name], partition)
			}
		})
	}
	return s
}

// Snapshot is what was there at one instant. A nil *Snapshot has lost nothing.
type Snapshot struct {
	values *Values
	texts  map[string][]string // partitions by asset; one empty text for an asset without
}

// Gone reports whether an asset is kept in memory, and nothing of it is there.
func (s *Snapshot) Gone(asset string) bool {
	return s != nil && s.values.assets[asset] && len(s.texts[asset]) == 0
}

// Lost returns those of the recorded partitions of an asset that are not there. Without partitions
// the set is [partition.Whole].
func (s *Snapshot) Lost(asset string, space partition.Space, made partition.Set) partition.Set {
	switch {
	case s == nil || !s.values.assets[asset] || made.IsEmpty():
		return partition.Set{}
	case len(s.texts[asset]) == 0:
		return made
	case space.Definition() == nil:
		return partition.Set{}
	}
	var there partition.Gather
	for _, text := range s.texts[asset] {
		key, err := partition.ParseKey(text)
		if err != nil {
			continue // it was kept under another definition
		}
		if set, err := space.Set(key); err == nil {
			there.Add(set)
		}
	}
	return made.Minus(there.Set())
}

// Check refuses a plan that reads a value which is in memory and not there, before anything is run.
// Its error wraps [iohandler.ErrNoValue].
func (v *Values) Check(p *plan.Plan) error {
	there := v.Now()
	if there == nil {
		return nil
	}
	for s := range int32(len(p.Steps)) {
		for _, name := range p.Loads(s) {
			if there.Gone(name) {
				return fault.Mark(iohandler.ErrNoValue, fmt.Errorf("step %q: it reads %q, whose IO handler keeps values in memory, and this process has none: "+
					"select %q too, as +%s does, or give it an IOHandler whose values outlive a process", p.Key(s), name, name, p.Key(s)))
			}
		}
	}
	return nil
}
