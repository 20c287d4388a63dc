package define

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
)

// findLoose finds the calls that the result does not come from. The asset is made when all of its
// tasks are, so the last task waits for them; one that reads the result itself has no place.
func (c *Composition) findLoose() {
	reached := map[*TaskCall]bool{}
	c.last.reach(reached)
	var rest []*TaskCall
	for _, p := range c.calls {
		if !reached[p] {
			rest = append(rest, p)
		}
	}
	read := map[*TaskCall]bool{}
	for _, p := range rest {
		ups := map[*TaskCall]bool{}
		p.reach(ups)
		if ups[c.last] {
			c.Fault("task "+fault.Quoted(p.path), "it comes after the result, which is the last step: return what this call returns, or make it an asset of its own")
		}
		delete(ups, p)
		for up := range ups {
			read[up] = true
		}
	}
	for _, p := range rest {
		if !read[p] {
			c.loose = append(c.loose, p)
		}
	}
}

// reach adds the call and all that it comes after.
func (p *TaskCall) reach(seen map[*TaskCall]bool) {
	if p == nil || seen[p] {
		return
	}
	seen[p] = true
	if p.mapped != nil {
		p.mapped.Over.call().reach(seen)
	}
	for _, arg := range p.args {
		if arg.IsSource {
			arg.Source.call().reach(seen)
		}
	}
	for _, src := range p.after {
		src.call().reach(seen)
	}
}

// call returns the call that a value comes from; nil for an upstream of the asset or the zero Ref.
func (s *Source) call() *TaskCall {
	if s == nil {
		return nil
	}
	return s.from
}

// checkDeps notes the mistakes of a graph asset's Deps.
func (c *Composition) checkDeps() {
	for i, d := range c.spec.Deps {
		at := fmt.Sprintf("dep %q", d.On)
		reads := slices.Contains(c.upstreams, d.On)
		switch {
		case d.On == "":
			c.Fault(fmt.Sprintf("Deps[%d]", i), "On is empty: name the asset that is depended on")
		case d.On == c.def.Name:
			c.Fault(at, "it depends on itself: use ctx.Load for its previous value")
		case slices.ContainsFunc(c.spec.Deps[:i], func(e Dep) bool { return e.On == d.On }):
			c.Fault(at, "it is listed twice: list it once")
		case d.Field != "":
			c.Fault(at, "a graph asset has no fields: remove Field, and give rivers.Upstream to a call")
		case d.OrderOnly && (d.IOHandler != nil || d.Metadata != nil):
			c.Fault(at, "an OrderOnly dependency loads nothing, so IOHandler and Metadata have no effect: remove them, or OrderOnly")
		case d.OrderOnly && reads:
			c.Fault(at, "it is OrderOnly, and rivers.Upstream reads its value: remove one of the two")
		case !d.OrderOnly && !reads:
			c.Fault(at, "no rivers.Upstream reads its value%s: add one, or set OrderOnly", fault.Suggestion(d.On, slices.Values(c.upstreams)))
		}
	}
}
