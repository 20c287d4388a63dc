package catalog

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
)

// validation visits all definitions once.
type validation struct {
	conf  Config
	scope define.Scope
	defs  []*define.Definition
	// values finds the value of a name; nil for a part of known.
	values map[string]*define.Output
	known  *Catalog
	// named has the multi-assets by their own names, which are no values; refused are definitions
	// that lost a name to another and are left out of the graph.
	named   map[string]*define.Definition
	refused map[*define.Definition]bool
	owner   []*define.Definition // of each node
	nodes   []graph.Node
	retry   retry.Policy
	// checked are the handlers whose settings were looked at.
	checked  map[iohandler.Handler]bool
	storable storable
	// exclusive are the assets that have an exclusive action.
	exclusive exclusive
	// inMemory and isolated are those of the catalog.
	inMemory map[string]string
	isolated bool
	errs     fault.LocatedErrors
}

// manyMistakes is from how many on the nearest names are left out.
const manyMistakes = 20

// Build checks all definitions and how they fit together. It returns the catalog, or all mistakes
// in the order of the definitions.
func Build(c Config) (*Catalog, fault.LocatedErrors) {
	v := &validation{conf: c}
	v.collect()
	v.checkRepository()
	v.resolvePartitions()
	v.build()
	plan.AddGates(v.nodes)
	v.checkActions()
	g := v.connect()
	jobs := jobBuilder{v, g}.jobs()
	v.checkIsolation(g, jobs)
	if len(v.errs) > 0 {
		return nil, v.errs
	}
	built := &Catalog{
		conf: c, scope: v.scope, defs: v.defs, graph: g, jobs: jobs, retry: v.retry, exclusive: v.exclusive, schemas: v.schemas(),
		inMemory: v.inMemory, isolated: v.isolated,
	}
	built.conf.Definitions = nil // defs has them
	built.keepValues(v.values)
	built.scope.Names, built.scope.Resolve = nil, nil // they hold on to this pass
	for _, name := range slices.Sorted(maps.Keys(c.Resources)) {
		if v.values[name] != nil {
			built.shadowed = append(built.shadowed, name)
		}
	}
	return built, nil
}

// pass returns a validation over a part of a catalog, for what is made when somebody asks for it.
// It finds everything that the catalog knows, and changes nothing of it.
func (c *Catalog) pass() *validation {
	v := &validation{conf: c.conf, scope: c.scope, known: c, exclusive: c.exclusive}
	v.scope.Names = v.names
	v.scope.Partitions = map[string]partition.Definition{}
	v.scope.Resolve = func(name string) partition.Definition { return c.scope.Partitions[name] }
	return v
}

// collect gathers the definitions and the names that they provide.
func (v *validation) collect() {
	c := &v.conf
	v.scope.Resources = c.Resources
	v.values = make(map[string]*define.Output, c.Count)
	v.scope.Value = func(name string) *define.Output { return v.values[name] }
	v.scope.Names = v.names
	v.scope.DefaultHandler = c.defaultHandler()
	v.named = map[string]*define.Definition{}
	for d, mistake := range c.Definitions {
		if d == nil {
			v.repositoryFault(mistake.At, mistake.Message)
			continue
		}
		v.register(d)
	}
	v.exclusive = exclusiveIn(v.defs, &v.scope)
}

// register adds a definition and the names that it provides; a name that is taken is reported.
func (v *validation) register(d *define.Definition) {
	if v.holder(d.Name) == d {
		v.repositoryFault("", fmt.Sprintf("%s %q is listed twice: list it once", d.KindName(), d.Name))
		return
	}
	v.defs = append(v.defs, d)
	if !d.Declares(d.Name) && v.free(d, d.Name) {
		v.named[d.Name] = d
	}
	for i := range d.Outputs {
		if out := &d.Outputs[i]; v.free(d, out.Name) {
			v.values[out.Name] = out
		}
	}
}

// holder returns the definition that has a name, its own or an output's; nil for none.
func (v *validation) holder(name string) *define.Definition {
	if out := v.scope.Value(name); out != nil {
		return out.Def
	}
	return v.named[name]
}

// free reports whether a definition may take a name; one that another has is a mistake.
func (v *validation) free(d *define.Definition, name string) bool {
	first := v.holder(name)
	switch first {
	case nil:
		return true
	case d:
		return false // its constructor reported it
	}
	v.fault(d, fault.Fault{At: outputPart(d, name), Message: takenBy(name, first), Kind: fault.ErrGraphValidation})
	if v.refused == nil {
		v.refused = map[*define.Definition]bool{}
	}
	v.refused[d] = true
	return false
}

func outputPart(d *define.Definition, output string) string {
	if output == d.Name {
		return ""
	}
	return fmt.Sprintf("output %q", output)
}

func takenBy(name string, first *define.Definition) string {
	at := ""
	if p := first.Pos.String(); p != "" {
		at = " at " + p
	}
	return fmt.Sprintf("the name %q is taken by the %s%s: rename one of them", name, first.KindName(), at)
}

// names yields what an input may be called.
func (v *validation) names(yield func(string) bool) {
	if len(v.errs) >= manyMistakes {
		return
	}
	for _, source := range []iter.Seq[string]{v.valueNames, maps.Keys(v.scope.Resources)} {
		for name := range source {
			if !yield(name) {
				return
			}
		}
	}
}

// valueNames yields the names of all values.
func (v *validation) valueNames(yield func(string) bool) {
	if v.known == nil {
		maps.Keys(v.values)(yield)
		return
	}
	for _, out := range v.known.outputs {
		if out != nil && !yield(out.Name) {
			return
		}
	}
}

// build makes the nodes of all definitions.
func (v *validation) build() {
	v.nodes = make([]graph.Node, 0, len(v.defs))
	v.owner = make([]*define.Definition, 0, len(v.defs))
	var d *define.Definition
	s := v.scope
	s.Report = func(f fault.Fault) { v.fault(d, f) }
	for _, d = range v.defs {
		for _, f := range d.Faults {
			v.fault(d, f)
		}
		if d.Build == nil {
			continue
		}
		nodes := d.Build(&s, v.nodes)
		for i := len(v.nodes); i < len(nodes); i++ {
			v.finishNode(d, &nodes[i])
		}
		if v.refused[d] {
			continue
		}
		for range nodes[len(v.nodes):] {
			v.owner = append(v.owner, d)
		}
		v.nodes = nodes
	}
}

// finishNode replaces references by what they refer to and fills in the defaults.
func (v *validation) finishNode(d *define.Definition, n *graph.Node) {
	if n.Settings != nil {
		v.finishSettings(d, n.Settings)
	}
	v.finishParts(d, n)
	v.exclusive.share(n)
	for o := range n.Outputs {
		out := &n.Outputs[o]
		out.Handler = v.handler(d, outputPart(d, out.Name), out.Handler)
		v.checkFreshness(d, n, o)
		if n.Kind != graph.External && out.Type != nil {
			v.checkStorable(d, out)
		}
	}
	for i := range n.Inputs {
		if in := &n.Inputs[i]; in.Handler != nil {
			in.Handler = v.handler(d, "input "+in.Field, in.Handler)
		}
	}
}

func (v *validation) finishSettings(d *define.Definition, s *graph.Settings) {
	if s.Retry.IsNamed() {
		s.Retry = v.policy(s.Retry, func(f fault.Fault) { v.fault(d, f) })
	}
	v.checkPools(d, s.Pools)
}

func (v *validation) checkStorable(d *define.Definition, out *graph.Output) {
	acceptor, ok := out.Handler.(iohandler.Acceptor)
	if !ok {
		return
	}
	if v.storable == nil {
		v.storable = storable{}
	}
	err := v.storable.ask(acceptor, out)
	switch {
	case err == nil:
	case SameHandler(out.Handler, v.conf.Fallback):
		if v.inMemory == nil {
			v.inMemory = map[string]string{}
		}
		out.Handler, v.inMemory[out.Name] = v.conf.Memory, err.Error()
	default:
		v.fault(d, fault.Fault{At: strings.TrimSpace(outputPart(d, out.Name) + " io handler"), Message: err.Error(), Kind: fault.ErrGraphValidation})
	}
}

// storable are the answers of handlers that were asked whether they store a type: many outputs have
// the same.
type storable map[stored]error

// stored is a type that a handler is asked to store.
type stored struct {
	handler iohandler.Handler
	t       reflect.Type
}

func (s storable) ask(acceptor iohandler.Acceptor, out *graph.Output) error {
	known := reflect.TypeOf(out.Handler).Comparable()
	if known {
		if err, asked := s[stored{out.Handler, out.Type}]; asked {
			return err
		}
	}
	err := fault.Guard(func() error { return acceptor.CanStore(out.Type) })
	if known {
		s[stored{out.Handler, out.Type}] = err
	}
	return err
}

// handler returns the handler that h stands for.
func (v *validation) handler(d *define.Definition, at string, h iohandler.Handler) iohandler.Handler {
	if h == nil {
		return v.scope.DefaultHandler
	}
	at = strings.TrimSpace(at + " io handler")
	if name, reference := iohandler.NameOf(h); reference {
		found, message := lookUpHandler(v.conf.Resources, name)
		if message != "" {
			v.fault(d, fault.Fault{At: at, Message: message, Kind: fault.ErrGraphValidation})
			return v.conf.Fallback
		}
		h = found
	}
	if err := v.settings(h); err != nil {
		v.fault(d, fault.Fault{At: at, Message: err.Error(), Kind: fault.ErrGraphValidation})
	}
	return h
}

// settings asks a handler once whether its settings are right.
func (v *validation) settings(h iohandler.Handler) error {
	validator, ok := h.(iohandler.Validator)
	if !ok {
		return nil
	}
	if reflect.ValueOf(h).Comparable() {
		if v.checked[h] {
			return nil
		}
		if v.checked == nil {
			v.checked = map[iohandler.Handler]bool{}
		}
		v.checked[h] = true
	}
	return fault.Guard(validator.Validate)
}

// lookUpHandler returns the resource of that name if it is a handler, else what is wrong.
func lookUpHandler(resources Resources, name string) (iohandler.Handler, string) {
	res, ok := resources[name]
	if h, isHandler := res.(iohandler.Handler); ok && isHandler {
		return h, ""
	}
	var handlers []string
	for _, n := range slices.Sorted(maps.Keys(resources)) {
		if _, isHandler := resources[n].(iohandler.Handler); isHandler {
			handlers = append(handlers, n)
		}
	}
	if ok {
		return nil, fmt.Sprintf("resource %q is a %T, not an IO handler; %s", name, res, fault.Listed("IO handlers among the resources", handlers))
	}
	return nil, fmt.Sprintf("no resource is named %q%s; %s", name, fault.Suggestion(name, slices.Values(handlers)), fault.Listed("IO handlers among the resources", handlers))
}

// connect builds the graph and reports what does not fit.
func (v *validation) connect() *graph.Graph {
	g, faults := graph.Build(v.nodes)
	for _, f := range faults {
		d := v.owner[f.Node]
		switch f.Kind {
		case graph.Cycle:
			v.fault(d, fault.Fault{Message: v.cycleMessage(f.Members), Kind: fault.ErrGraphValidation})
		case graph.DuplicateName: // register reported it, or within a definition its constructor
		case graph.UnknownUpstream: // wiring reported it, with the field and the nearest name
		}
	}
	if len(v.errs) > 0 {
		return nil
	}
	return g
}

// cycleMessage names the members of a cycle and where they stand; the first is the one reported.
func (v *validation) cycleMessage(members []string) string {
	if len(members) == 1 {
		return fmt.Sprintf("it depends on itself through %q: use a SelfDependency for its previous value", members[0])
	}
	named := make([]string, len(members))
	for i, name := range members {
		named[i] = fault.Quoted(name)
		if place := v.holder(name).Pos.String(); i > 0 && place != "" {
			named[i] += " at " + place
		}
	}
	return fmt.Sprintf("it is on a cycle of %s: remove one of these dependencies", strings.Join(named, ", "))
}

// schemas encodes the schemas of all configs, by definition.
func (v *validation) schemas() map[string][]byte {
	var all map[string][]byte
	for _, d := range v.defs {
		if d.Config == nil {
			continue
		}
		if all == nil {
			all = map[string][]byte{}
		}
		doc, err := json.Marshal(d.Config.Schema())
		if err == nil { // defaults that JSON does not know (NaN) leave the schema out
			all[d.Name] = doc
		}
	}
	return all
}
