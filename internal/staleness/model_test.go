package staleness_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"pgregory.net/rapid"
)

var definitions = []partition.Definition{
	nil,
	partition.Static("a", "b", "c", "d"),
	partition.Static("b", "c"),
	partition.Daily(partition.Date(2026, time.January, 1)),
	partition.Weekly(partition.Date(2025, time.December, 28), partition.EndOffset(1)),
	partition.Dynamic("tenants"),
	partition.Multi(map[string]partition.Definition{"day": partition.Daily(partition.Date(2026, time.January, 3)), "key": partition.Static("a", "b")}),
}

var mappings = []partition.Mapping{
	{},
	{},
	{},
	partition.AllPartitions(), partition.Identity(), partition.Subset(), partition.TimeOffset(-1),
	partition.Specific(partition.SingleKey("a")), partition.Specific(partition.SingleKey("b"), partition.SingleKey("c")),
	partition.ForKeys(partition.SingleKey("b")), partition.MultiToSingle("day"), partition.MultiToSingle("key"), partition.Overlap(),
}

// ownMappings are those by which an asset may read itself, beside the others.
var ownMappings = []partition.Mapping{
	partition.TimeOffset(-1), partition.TimeOffset(-2), partition.TimeOffset(1), partition.TimeOffset(0),
	partition.StaticMap(map[string][]string{"b": {"a"}, "c": {"b"}, "d": {"d"}}), // a chain, and one that reads itself
	partition.StaticMap(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}),
	partition.StaticMap(map[string][]string{"b": {"c"}, "c": {"b"}}),
	partition.StaticMap(map[string][]string{"x": {"y"}, "y": {"z"}, "z": {"z"}}),
	partition.MultiMap(map[string]partition.DimensionMapping{
		"day": {Dimension: "day", By: partition.TimeOffset(-1)}, "key": {By: partition.Specific(partition.SingleKey("a"))},
	}),
	partition.MultiMap(map[string]partition.DimensionMapping{
		"day": {Dimension: "day", By: partition.TimeOffset(-1)},
		"key": {Dimension: "key", By: partition.StaticMap(map[string][]string{"a": {"b"}, "b": {"a"}})},
	}),
}

// drawReads draws what an asset reads of those before it.
func drawReads(t *rapid.T, specs []spec, of spec) []dep {
	var reads []dep
	for _, up := range specs {
		if rapid.IntRange(0, 2).Draw(t, "reads "+up.name) == 0 {
			continue
		}
		d := dep{on: up.name}
		if up.def != nil || of.def != nil {
			var fit []partition.Mapping
			for _, m := range mappings {
				if m.Check(up.def, of.def) == nil {
					fit = append(fit, m)
				}
			}
			if len(fit) == 0 {
				continue
			}
			d.by = rapid.SampledFrom(fit).Draw(t, "mapping of "+up.name)
		}
		reads = append(reads, d)
	}
	return reads
}

// drawSelf draws what an asset reads of its own partitions: one for each, or nothing.
func drawSelf(t *rapid.T, of spec) []dep {
	if of.def == nil || of.external || rapid.Bool().Draw(t, "reads no former value") {
		return nil
	}
	var fit []partition.Mapping
	for _, m := range slices.Concat(mappings, ownMappings) {
		if !m.IsZero() && m.Check(of.def, of.def) == nil && !m.Reading(of.def, of.def).Several {
			fit = append(fit, m)
		}
	}
	return []dep{{on: of.name, by: rapid.SampledFrom(fit).Draw(t, "mapping of its own")}}
}

func drawSpecs(t *rapid.T) []spec {
	var specs []spec
	for i := range rapid.IntRange(2, 5).Draw(t, "assets") {
		s := spec{
			name: fmt.Sprint("asset", i), code: rapid.SampledFrom([]string{"", "v1"}).Draw(t, "code"),
			def: rapid.SampledFrom(definitions).Draw(t, "definition"),
		}
		s.external = i == 0 && s.def == nil && rapid.Bool().Draw(t, "external")
		if !s.external {
			s.reads = append(drawReads(t, specs, s), drawSelf(t, s)...)
		}
		specs = append(specs, s)
	}
	return specs
}

// redefine changes the code version or the dependencies of one asset.
func redefine(t *rapid.T, specs []spec) []spec {
	specs = slices.Clone(specs)
	i := rapid.IntRange(0, len(specs)-1).Draw(t, "changed asset")
	s := &specs[i]
	switch rapid.IntRange(0, 3).Draw(t, "change") {
	case 0, 1:
		s.code = rapid.SampledFrom([]string{"", "v1", "v2"}).Draw(t, "code")
	case 2:
		if !s.external {
			s.reads = append(drawReads(t, specs[:i], *s), drawSelf(t, *s)...)
		}
	default: // divided otherwise: what reads it must fit again
		if s.external {
			break
		}
		s.def = rapid.SampledFrom(definitions).Draw(t, "definition")
		for k := i; k < len(specs); k++ {
			if !specs[k].external {
				specs[k].reads = append(drawReads(t, specs[:k], specs[k]), drawSelf(t, specs[k])...)
			}
		}
	}
	return specs
}

func TestViewIsWhatAllStatesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, drawSpecs(t)...)
		w.tiny = rapid.Bool().Draw(t, "tiny")
		w.restart()
		fence := w.run()
		var open []*step
		begin := func(t *rapid.T) {
			s := rapid.SampledFrom(w.specs).Draw(t, "asset")
			texts := w.texts(&s)
			if len(texts) == 0 {
				return
			}
			if rapid.Bool().Draw(t, "new run") {
				fence = w.run()
			}
			from := rapid.IntRange(0, len(texts)-1).Draw(t, "from")
			to := rapid.IntRange(from, min(from+4, len(texts)-1)).Draw(t, "to")
			picked := texts[from : to+1]
			group := len(picked) > 1 && rapid.Bool().Draw(t, "group")
			open = append(open, w.begin(fence, s.name, group, picked...))
		}
		end := func(t *rapid.T, i int) {
			st := open[i]
			open = slices.Delete(open, i, i+1)
			now := w.spec(st.spec.name)
			for _, text := range st.texts { // keys that were removed meanwhile cannot be recorded here
				if !slices.Contains(w.texts(now), text) {
					return
				}
			}
			w.end(st, rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "version"))
		}
		t.Repeat(map[string]func(*rapid.T){
			"make": func(t *rapid.T) {
				begin(t)
				if len(open) > 0 {
					end(t, len(open)-1)
				}
			},
			"begin": begin,
			"end": func(t *rapid.T) {
				if len(open) > 0 {
					end(t, rapid.IntRange(0, len(open)-1).Draw(t, "step"))
				}
			},
			"wipe": func(t *rapid.T) {
				s := rapid.SampledFrom(w.specs).Draw(t, "asset")
				if texts := w.texts(&s); len(texts) > 0 && !s.external {
					from := rapid.IntRange(0, len(texts)-1).Draw(t, "from")
					w.wipe(s.name, texts[from:min(from+2, len(texts))]...)
				}
			},
			"redefine": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "kept") {
					w.check()
					w.save()
				}
				if w.redefined(redefine(t, w.specs)) {
					open = nil
				}
			},
			"restart": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "kept") {
					w.check()
					w.save()
				}
				w.restart()
			},
			"save":  func(*rapid.T) { w.save() },
			"day":   func(*rapid.T) { w.now = w.now.AddDate(0, 0, 1) },
			"check": func(*rapid.T) { w.check() },
			"prune": func(*rapid.T) {
				seq, err := w.store.ChangeSeq(w.ctx)
				if err != nil {
					w.Fatal(err)
				}
				w.commit(&storage.Batch{KV: []storage.KVPair{{Key: "feed/pruned", Value: fmt.Append(nil, seq)}}})
			},
			"keys": func(t *rapid.T) {
				keys := []string{rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "key")}
				u := storage.KeyUpdate{Table: "tenants", Add: keys}
				if rapid.Bool().Draw(t, "remove") {
					u = storage.KeyUpdate{Table: "tenants", Remove: keys}
				}
				w.commit(&storage.Batch{Keys: []storage.KeyUpdate{u}})
			},
		})
		w.check()
	})
}
