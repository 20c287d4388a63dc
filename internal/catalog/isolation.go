package catalog

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
)

// checkIsolation refuses values that a step in a process of its own would write where nobody finds
// them, or read where nobody put them: those whose handler keeps them in the memory of one process.
// What a graph asset binds to a call, and the elements of a mapped list, need no handler, since
// each process composes the graph and takes the list apart by itself.
func (v *validation) checkIsolation(g *graph.Graph, jobs map[string]*Job) {
	if g == nil {
		return
	}
	c := isolationCheck{v: v, g: g, why: v.isolatedBy(g, jobs)}
	if v.isolated = c.why != nil; !v.isolated {
		return
	}
	c.read = readOutputs(g)
	faults := map[string]fault.Fault{} // one for each definition, by name
	for n := range int32(g.Len()) {
		name := g.Node(n).Definition
		if _, known := faults[name]; known || c.why[n] == "" {
			continue
		}
		if f, bad := c.fault(n); bad {
			faults[name] = f
		}
	}
	for _, d := range v.defs {
		if f, bad := faults[d.Name]; bad {
			v.fault(d, f)
		}
	}
}

// isolatedBy returns the reason why each node runs in its own process, empty for none. It returns
// nil if no node does.
func (v *validation) isolatedBy(g *graph.Graph, jobs map[string]*Job) []string {
	var why []string
	say := func(n int32, text string) {
		if why == nil {
			why = make([]string, g.Len())
		}
		if why[n] == "" {
			why[n] = text
		}
	}
	def := v.conf.DefaultExecutor
	for n := range int32(g.Len()) {
		switch node := g.Node(n); {
		case node.Kind == graph.External:
		case node.HasExecutor:
			if plan.LaneOf(node.Executor).Isolated() {
				say(n, fmt.Sprintf("its metadata asks for the executor %s", node.Executor))
			}
		case plan.LaneOf(def).Isolated():
			say(n, fmt.Sprintf("DefaultExecutor is %s", def))
		}
	}
	for i := range v.conf.Jobs {
		job := jobs[v.conf.Jobs[i].Name]
		if job.Plan == nil {
			continue
		}
		for _, s := range job.Plan.Steps {
			if s.Lane.Isolated() {
				say(s.Node, fmt.Sprintf("the executor of job %q is %s", job.Name, job.Executor))
			}
		}
	}
	return why
}

// isolationCheck looks for values that do not get from one process to another.
type isolationCheck struct {
	v    *validation
	g    *graph.Graph
	why  []string
	read []bool // by output
}

// readOutputs reports for each output whether a node reads it.
func readOutputs(g *graph.Graph) []bool {
	read := make([]bool, g.Outputs())
	for n := range int32(g.Len()) {
		for k, v := range g.From(n) {
			if v >= 0 && !g.Node(n).Inputs[k].Mode.Waits() {
				read[v] = true
			}
		}
	}
	return read
}

// fault returns what is wrong with a node that has a process of its own.
func (c *isolationCheck) fault(n int32) (fault.Fault, bool) {
	node := c.g.Node(n)
	for o := range node.Outputs {
		if c.staysBehind(n, o) {
			at := "io handler"
			if name := node.Outputs[o].Name; name != node.Definition {
				at = fmt.Sprintf("output %q io handler", name)
			}
			h := node.Outputs[o].Handler
			found := c.name(h) + " keeps its value in the memory of that process"
			if why, ok := c.v.inMemory[node.Outputs[o].Name]; ok {
				found += ", since " + why
			}
			return c.report(n, at, found, "it", h), true
		}
	}
	for k, v := range c.g.From(n) {
		in := &node.Inputs[k]
		if v < 0 || in.Mode.Waits() {
			continue
		}
		out, up := c.g.Output(v)
		h, whose := in.Handler, "the dependency"
		if h == nil {
			if h, whose = out.Handler, fault.Quoted(out.Name); c.why[up] != "" && c.staysBehind(up, c.g.OutputPos(v)) {
				continue // said of the one that makes it
			}
		}
		if !c.survivesProcess(h) {
			return c.report(n, "input "+in.Field, fmt.Sprintf("%s loads %q from the memory of another", c.name(h), out.Name), whose, h), true
		}
	}
	return fault.Fault{}, false
}

// staysBehind reports whether an output's value dies with the process of its node, and should not.
// That of a task that nobody reads may.
func (c *isolationCheck) staysBehind(n int32, pos int) bool {
	out := &c.g.Node(n).Outputs[pos]
	written := out.Type != nil // else the body writes by itself
	return written && (out.Asset || c.read[c.g.OutputAt(n, pos)]) && !c.survivesProcess(out.Handler)
}

// report returns the fault, and names the handler to replace.
func (c *isolationCheck) report(n int32, at, found, whose string, h iohandler.Handler) fault.Fault {
	remedy := fmt.Sprintf("give %s an IOHandler whose values outlive a process, such as blob.New", whose)
	if SameHandler(h, c.v.scope.DefaultHandler) {
		remedy += ", or make one the DefaultIOHandler"
	}
	return fault.Fault{
		At: at, Kind: fault.ErrGraphValidation,
		Message: fmt.Sprintf("%s, so it runs in a process of its own, and %s: %s", c.why[n], found, remedy),
	}
}

// survivesProcess asks a handler whether its values outlive the process that wrote them.
func (c *isolationCheck) survivesProcess(h iohandler.Handler) bool {
	asked, ok := h.(iohandler.ProcessCrosser)
	if !ok {
		return true
	}
	crosses := false
	err := fault.Guard(func() error { crosses = asked.CrossesProcesses(); return nil })
	return err == nil && crosses
}

// name is what a handler is called in messages: as a resource, if it is one.
func (c *isolationCheck) name(h iohandler.Handler) string {
	if SameHandler(h, c.v.conf.Fallback) || SameHandler(h, c.v.conf.Memory) {
		return "the default IO handler"
	}
	name := fmt.Sprintf("%T", h)
	if SameHandler(h, c.v.scope.DefaultHandler) {
		return "the DefaultIOHandler (" + name + ")"
	}
	if names := c.v.conf.Resources.Holding(h); len(names) > 0 {
		name = fmt.Sprintf("resource %q (%s)", names[0], name)
	}
	return name
}
