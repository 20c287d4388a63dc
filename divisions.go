package rivers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// divide finds how each asset is divided: references are followed, and definitions that mean the same become one,
// so that thousands of assets share what is made of it.
func (v *validation) divide() {
	c := &v.repo.config
	for _, name := range slices.Sorted(maps.Keys(c.PartitionDefs)) {
		d := c.PartitionDefs[name]
		at := fmt.Sprintf("PartitionDefs[%q]", name)
		switch {
		case d == nil:
			v.repositoryFault(at, "it is nil: remove it, or give a definition")
		default:
			v.checkDivision(d, func(message string) { v.repositoryFault(at, message) })
		}
	}
	known := map[string][]partition.Definition{}
	for _, d := range v.defs {
		for i := range d.outputs {
			out := &d.outputs[i]
			if out.parts == nil {
				continue
			}
			resolved := v.resolveDivision(d, i)
			if resolved == nil {
				continue
			}
			if v.scope.divisions == nil {
				v.scope.divisions = map[string]partition.Definition{}
			}
			v.scope.divisions[out.name] = shared(known, resolved)
		}
		v.checkOutputsAgree(d)
	}
	for _, d := range v.defs {
		v.checkDivided(d)
	}
}

// divideAsAsked has assets divided when somebody asks how, for who needs few of a repository that was validated elsewhere.
func (v *validation) divideAsAsked() {
	v.scope.divisions = map[string]partition.Definition{}
	known := map[string][]partition.Definition{}
	v.scope.divide = func(name string) partition.Definition {
		out := v.scope.values[name]
		if out == nil || out.parts == nil {
			return nil
		}
		resolved, err := partition.Resolve(out.parts, v.repo.config.PartitionDefs)
		if err != nil {
			v.fault(out.def, fault.Fault{At: outputPart(out.def, name), Message: err.Error(), Kind: ErrPartitionValidation})
			return nil
		}
		v.scope.divisions[name] = shared(known, resolved)
		return v.scope.divisions[name]
	}
}

// shared returns the first definition that means the same.
func shared(known map[string][]partition.Definition, d partition.Definition) partition.Definition {
	text := d.String()
	for _, k := range known[text] {
		if partition.Equal(k, d) {
			return k
		}
	}
	known[text] = append(known[text], d)
	return d
}

// checkDivision reports each mistake of a definition of partitions.
func (v *validation) checkDivision(d partition.Definition, report func(message string)) bool {
	err := d.Validate()
	if err == nil {
		return true
	}
	for _, one := range fault.Each(err) {
		report(one.Error())
	}
	return false
}

// resolveDivision follows the references of one output's partitions, nil if they are not right.
func (v *validation) resolveDivision(d *definition, output int) partition.Definition {
	out := &d.outputs[output]
	if output > 0 && out.parts == d.outputs[0].parts { // a multi-asset's own: what is wrong was said
		return v.scope.divisions[d.outputs[0].name]
	}
	at := strings.TrimSpace(outputPart(d, out.name) + " partitions")
	report := func(message string) { v.fault(d, fault.Fault{At: at, Message: message, Kind: ErrPartitionValidation}) }
	resolved, err := partition.Resolve(out.parts, v.repo.config.PartitionDefs)
	if err != nil {
		report(err.Error())
		return nil
	}
	if !v.checkDivision(resolved, report) {
		return nil
	}
	return resolved
}

// checkOutputsAgree requires the outputs of a multi-asset to be divided alike: one call makes a partition of each.
func (v *validation) checkOutputsAgree(d *definition) {
	if len(d.outputs) < 2 {
		return
	}
	first := v.scope.divisions[d.outputs[0].name]
	for i := 1; i < len(d.outputs); i++ {
		out := &d.outputs[i]
		other := v.scope.divisions[out.name]
		at := fmt.Sprintf("output %q partitions", out.name)
		switch {
		case (out.parts == nil) != (d.outputs[0].parts == nil):
			v.fault(d, fault.Fault{At: at, Message: "some outputs of the multi-asset have partitions and some have none: give all of them some, or the multi-asset Partitions of its own", Kind: ErrPartitionValidation})
			return
		case first == nil || other == nil || first == other:
		default:
			if err := partition.Identity().Check(first, other); err != nil {
				v.fault(d, fault.Fault{At: at, Message: fmt.Sprintf("they have no key in common with those of %q: %v", d.outputs[0].name, err), Kind: ErrPartitionValidation})
			}
		}
	}
}

// finishParts says how a node and its outputs are divided.
func (v *validation) finishParts(d *definition, n *graph.Node) {
	if len(d.outputs) == 0 || n.Kind == graph.Task || n.Kind == graph.BashTask {
		return
	}
	own := v.scope.division(d.outputs[0].name)
	if own == nil {
		return
	}
	for o := range n.Outputs {
		out := &n.Outputs[o]
		if out.Partitions = own; out.Asset {
			out.Partitions = v.scope.division(out.Name)
		}
	}
	if n.Settings == nil {
		n.Settings = &graph.Settings{}
	}
	n.Settings.Partitions = own
}
