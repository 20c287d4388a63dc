package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// fault notes a mistake of a definition.
func (v *validation) fault(d *define.Definition, f fault.Fault) {
	v.errs = append(v.errs, &fault.LocatedError{Fault: f, KindName: d.KindName(), Name: d.Name, Position: d.Pos.String()})
}

// repositoryFault notes a mistake of the repository itself.
func (v *validation) repositoryFault(at, message string) {
	v.errs = append(v.errs, &fault.LocatedError{
		Fault:    fault.Fault{At: at, Message: message, Kind: fault.ErrDefinition},
		KindName: "repository", Name: v.conf.Location, Position: v.conf.Position.String(),
	})
}

// checkRepository looks at what belongs to no definition.
func (v *validation) checkRepository() {
	c := &v.conf
	if err := c.DefaultExecutor.Validate(); err != nil {
		v.repositoryFault("DefaultExecutor", err.Error())
	}
	v.retry = v.ownPolicy(c.Retry, func(message string) { v.repositoryFault("DefaultRetry", message) })
	for _, name := range slices.Sorted(maps.Keys(c.Retries)) {
		p, at := c.Retries[name], fmt.Sprintf("Retries[%q]", name)
		if p.IsNamed() {
			v.repositoryFault(at, fmt.Sprintf("it refers to %q: give a policy, a name is not followed twice", p.Name()))
			continue
		}
		define.PolicyMistakes(p, func(message string) { v.repositoryFault(at, message) })
	}
	v.checkDefaultHandler()
	v.checkPoolLimits()
	v.checkRetention()
	for _, name := range slices.Sorted(maps.Keys(c.Resources)) {
		if mistake := fault.NameMistake(name); mistake != "" {
			v.repositoryFault(fmt.Sprintf("Resources[%q]", name), mistake)
		}
	}
}

func (v *validation) checkDefaultHandler() {
	if name, reference := iohandler.NameOf(v.conf.DefaultHandler); reference {
		if _, message := lookUpHandler(v.conf.Resources, name); message != "" {
			v.repositoryFault("DefaultIOHandler", message)
			return
		}
	}
	if err := v.settings(v.scope.DefaultHandler); err != nil {
		v.repositoryFault("DefaultIOHandler", err.Error())
	}
}

// ownPolicy checks a policy that belongs to no definition, and returns the one that it stands for.
func (v *validation) ownPolicy(p retry.Policy, report func(message string)) retry.Policy {
	define.PolicyMistakes(p, report)
	return v.policy(p, func(f fault.Fault) { report(f.Message) })
}

// policy returns the policy that p stands for; its own numbers were checked with the definition.
func (v *validation) policy(p retry.Policy, report func(fault.Fault)) retry.Policy {
	if !p.IsNamed() || p.Name() == "" { // one without a name was reported with its numbers
		return p
	}
	found, ok := v.conf.Retries[p.Name()]
	if !ok {
		names := slices.Sorted(maps.Keys(v.conf.Retries))
		report(fault.Fault{At: "retry", Kind: fault.ErrGraphValidation, Message: fmt.Sprintf("no retry policy is named %q%s; %s",
			p.Name(), fault.Suggestion(p.Name(), slices.Values(names)), fault.Listed("registered policies", names))})
	}
	return found
}

// defaultHandler is the handler of outputs that have none of their own.
func (c *Config) defaultHandler() iohandler.Handler {
	h := c.DefaultHandler
	if h == nil {
		return c.Fallback
	}
	if name, reference := iohandler.NameOf(h); reference {
		if found, message := lookUpHandler(c.Resources, name); message == "" {
			return found
		}
		return c.Fallback // checkRepository reports it
	}
	return h
}

// checkRetention looks at the ages that history is kept.
func (v *validation) checkRetention() {
	if err := v.conf.Retention.Validate(); err != nil {
		v.repositoryFault("Retention", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// checkPoolLimits looks at the repository's pools.
func (v *validation) checkPoolLimits() {
	if v.conf.PoolTimeout < 0 {
		v.repositoryFault("PoolTimeout", fmt.Sprintf("it is %s: give a positive duration, or none to wait as long as it takes", v.conf.PoolTimeout))
	}
	limits := v.conf.Pools
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		at := fmt.Sprintf("PoolLimits[%q]", name)
		if mistake := fault.NameMistake(name); mistake != "" {
			v.repositoryFault(at, mistake)
		}
		if n := limits[name]; n < 1 {
			v.repositoryFault(at, fmt.Sprintf("it is %d: give 1 slot or more", n))
		}
	}
}

// checkPools looks at the pools that a node holds: each is declared, and has as many slots as are
// held.
func (v *validation) checkPools(d *define.Definition, held []storage.PoolSlots) {
	limits := v.conf.Pools
	for _, p := range held {
		at := fmt.Sprintf("pool %q", p.Pool)
		limit, declared := limits[p.Pool]
		switch {
		case !declared:
			names := slices.Sorted(maps.Keys(limits))
			v.fault(d, fault.Fault{At: at, Kind: fault.ErrGraphValidation, Message: fmt.Sprintf("PoolLimits declares no such pool%s; %s",
				fault.Suggestion(p.Pool, slices.Values(names)), fault.Listed("declared pools", names))})
		case limit > 0 && p.Slots > limit:
			v.fault(d, fault.Fault{At: at, Kind: fault.ErrGraphValidation, Message: fmt.Sprintf("it holds %d slots, and the pool has %d: hold fewer, or raise PoolLimits", p.Slots, limit)})
		}
	}
}

// checkFreshness reports a policy that makes no sense for how an output is made and partitioned. It
// reports a policy that the outputs of a multi-asset share once.
func (v *validation) checkFreshness(d *define.Definition, n *graph.Node, output int) {
	out := &n.Outputs[output]
	if out.Attrs == nil || !out.Asset || out.Attrs.Freshness.Validate() != nil { // which its definition has reported
		return
	}
	policy := out.Attrs.Freshness
	if first := &n.Outputs[0]; output > 0 && first.Attrs != nil && first.Attrs.Freshness == policy && first.Partitions == out.Partitions {
		return
	}
	message := ""
	if n.Kind == graph.External && policy.NeedsPartitions() {
		message = "an external asset is observed as a whole, and which partitions it has is not known: use a TimeWindow or Cron policy"
	} else if err := policy.Check(out.Partitions); err != nil {
		message = err.Error()
	}
	if message != "" {
		v.fault(d, fault.Fault{At: strings.TrimSpace(outputPart(d, out.Name) + " freshness"), Message: message, Kind: fault.ErrGraphValidation})
	}
}
