package catalog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// resolvePartitions finds how each asset is partitioned: references are followed, and definitions
// that mean the same become one, so that thousands of assets share what is made of it.
func (v *validation) resolvePartitions() {
	c := &v.conf
	for _, name := range slices.Sorted(maps.Keys(c.Partitions)) {
		d := c.Partitions[name]
		at := fmt.Sprintf("PartitionDefs[%q]", name)
		switch {
		case d == nil:
			v.repositoryFault(at, "it is nil: remove it, or give a definition")
		default:
			v.checkDefinition(d, func(message string) { v.repositoryFault(at, message) })
		}
	}
	known := map[string][]partition.Definition{}
	for _, d := range v.defs {
		for i := range d.Outputs {
			out := &d.Outputs[i]
			if out.Partitions == nil {
				continue
			}
			resolved := v.resolveDefinition(d, i)
			if resolved == nil {
				continue
			}
			if v.scope.Partitions == nil {
				v.scope.Partitions = map[string]partition.Definition{}
			}
			v.scope.Partitions[out.Name] = intern(known, resolved)
		}
		v.checkOutputsAgree(d)
	}
	for _, d := range v.defs {
		v.checkPartitioned(d)
		v.checkBackfill(d)
	}
}

// resolvePartitionsLazily has assets partitioned when somebody asks how, for who needs few of a
// repository that was validated elsewhere.
func (v *validation) resolvePartitionsLazily() {
	v.scope.Partitions = map[string]partition.Definition{}
	known := map[string][]partition.Definition{}
	v.scope.Resolve = func(name string) partition.Definition {
		out := v.scope.Value(name)
		if out == nil || out.Partitions == nil {
			return nil
		}
		resolved, err := partition.Resolve(out.Partitions, v.conf.Partitions)
		if err != nil {
			v.fault(out.Def, fault.Fault{At: outputPart(out.Def, name), Message: err.Error(), Kind: fault.ErrPartitionValidation})
			return nil
		}
		v.scope.Partitions[name] = intern(known, resolved)
		return v.scope.Partitions[name]
	}
}

// intern returns the first definition that means the same.
func intern(known map[string][]partition.Definition, d partition.Definition) partition.Definition {
	text := d.String()
	for _, k := range known[text] {
		if partition.Equal(k, d) {
			return k
		}
	}
	known[text] = append(known[text], d)
	return d
}

// checkDefinition reports each mistake of a definition of partitions.
func (v *validation) checkDefinition(d partition.Definition, report func(message string)) bool {
	err := d.Validate()
	if err == nil {
		return true
	}
	for _, one := range fault.Each(err) {
		report(one.Error())
	}
	return false
}

// resolveDefinition follows the references of one output's partitions, nil if they are not right.
func (v *validation) resolveDefinition(d *define.Definition, output int) partition.Definition {
	out := &d.Outputs[output]
	if output > 0 && out.Partitions == d.Outputs[0].Partitions { // a multi-asset's own: reported already
		return v.scope.Partitions[d.Outputs[0].Name]
	}
	at := strings.TrimSpace(outputPart(d, out.Name) + " partitions")
	report := func(message string) {
		v.fault(d, fault.Fault{At: at, Message: message, Kind: fault.ErrPartitionValidation})
	}
	resolved, err := partition.Resolve(out.Partitions, v.conf.Partitions)
	if err != nil {
		report(err.Error())
		return nil
	}
	if !v.checkDefinition(resolved, report) {
		return nil
	}
	return resolved
}

// checkOutputsAgree requires the outputs of a multi-asset to be partitioned alike: one call makes a
// partition of each.
func (v *validation) checkOutputsAgree(d *define.Definition) {
	if len(d.Outputs) < 2 {
		return
	}
	first := v.scope.Partitions[d.Outputs[0].Name]
	for i := 1; i < len(d.Outputs); i++ {
		out := &d.Outputs[i]
		other := v.scope.Partitions[out.Name]
		at := fmt.Sprintf("output %q partitions", out.Name)
		switch {
		case (out.Partitions == nil) != (d.Outputs[0].Partitions == nil):
			v.fault(d, fault.Fault{At: at, Message: "some outputs of the multi-asset have partitions and some have none: give all of them some, or the multi-asset Partitions of its own", Kind: fault.ErrPartitionValidation})
			return
		case first == nil || other == nil || first == other:
		default:
			if err := partition.Identity().Check(first, other); err != nil {
				v.fault(d, fault.Fault{At: at, Message: fmt.Sprintf("they have no key in common with those of %q: %v", d.Outputs[0].Name, err), Kind: fault.ErrPartitionValidation})
			}
		}
	}
}

// finishParts sets the partitions of a node and its outputs.
func (v *validation) finishParts(d *define.Definition, n *graph.Node) {
	if len(d.Outputs) == 0 || n.Kind == graph.Task || n.Kind == graph.BashTask {
		return
	}
	own := v.scope.PartitionsOf(d.Outputs[0].Name)
	if own == nil {
		return
	}
	for o := range n.Outputs {
		out := &n.Outputs[o]
		if out.Partitions = own; out.Asset {
			out.Partitions = v.scope.PartitionsOf(out.Name)
		}
	}
	if n.Settings == nil {
		n.Settings = &graph.Settings{}
	}
	n.Settings.Partitions = own
}

// checkPartitioned requires a check that judges partitions to have those of its asset.
func (v *validation) checkPartitioned(d *define.Definition) {
	if d.Kind != graph.Check || d.Outputs[0].Partitions == nil {
		return
	}
	asset, _, _ := storage.SplitCheck(d.Name)
	own, of := v.scope.Partitions[d.Name], v.scope.Partitions[asset]
	if own == nil || own == of || v.scope.Value(asset) == nil {
		return
	}
	message := fmt.Sprintf("%q has no partitions: remove them", asset)
	if of != nil {
		message = fmt.Sprintf("they are %s, and those of %q are %s: give the asset's own, or none to judge it as a whole", own, asset, of)
	}
	v.fault(d, fault.Fault{At: "partitions", Message: message, Kind: fault.ErrPartitionValidation})
	delete(v.scope.Partitions, d.Name)
}

// checkBackfill checks the backfill strategy of a definition against its partitions.
func (v *validation) checkBackfill(d *define.Definition) {
	if d.Backfill == nil || len(d.Outputs) == 0 {
		return
	}
	parts := v.scope.Partitions[d.Outputs[0].Name]
	if parts == nil && d.Outputs[0].Partitions != nil {
		return // what is wrong with them was reported
	}
	if err := CheckStrategy(*d.Backfill, parts); err != nil {
		v.fault(d, fault.Fault{At: "Backfill", Message: fmt.Sprintf("strategy %s: %v", d.Backfill, err), Kind: fault.ErrPartitionValidation})
	}
}

// CheckStrategy requires partitions to backfill, and a strategy by dimensions to name each
// dimension once.
func CheckStrategy(s storage.BackfillStrategy, d partition.Definition) error {
	multi, single := s.Dimensions()
	named := slices.Sorted(slices.Values(slices.Concat(multi, single)))
	switch {
	case d == nil:
		return errors.New("there are no partitions to backfill: leave it out, or set Partitions")
	case s.IsZero() || s.IsSingleRun() || s == storage.MultiRun():
		return nil
	case d.Kind() != partition.KindMulti:
		return fmt.Errorf("it is by dimensions, and %s has none", d)
	case len(multi) == 0 || len(single) == 0 || slices.Contains(named, ""):
		return errors.New("name at least one dimension with a run for each key and one that is whole in each run")
	}
	if have := slices.Sorted(maps.Keys(partition.Describe(d).Dimensions)); !slices.Equal(named, have) {
		return fmt.Errorf("it names the dimensions %s, want each of %s once", fault.QuotedList(named), fault.QuotedList(have))
	}
	return nil
}
