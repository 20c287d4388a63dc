package plan_test

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/plan/plantest"
	"github.com/rivers-go/rivers/storage"
)

var update = flag.Bool("update", false, "write the answers of the scripts as they are now")

// The scripts in testdata: "assets" defines a graph, "plan a, b +upstream in_process workers=2" plans
// it and answers with the steps in their order. Where something is divided, "plan a of mon..wed" is of some days, and says of which
// partitions each step is.
func TestScripts(t *testing.T) {
	plantest.Run(t, "testdata/*.txt", *update, func(t *testing.T) func(plantest.Block) string {
		var g *graph.Graph
		return func(b plantest.Block) string {
			word, rest, _ := strings.Cut(b.Command, " ")
			switch word {
			case "assets":
				var err error
				if g, err = plantest.Graph(b.Input); err != nil {
					t.Fatalf("line %d: %v", b.Line, err)
				}
				return "ok"
			case "plan":
				rest, days, _ := strings.Cut(rest, "of ")
				p, err := planned(g, rest)
				if err != nil {
					t.Fatalf("line %d: %v", b.Line, err)
				}
				text, err := show(p, days)
				if err != nil {
					t.Fatalf("line %d: %v", b.Line, err)
				}
				return text
			}
			t.Fatalf("line %d: %q: want assets or plan", b.Line, word)
			return ""
		}
	})
}

// planned reads the words of a plan command. No name plans everything, "nothing" nothing.
func planned(g *graph.Graph, words string) (*plan.Plan, error) {
	o := plan.Options{Workers: 4}
	for _, word := range strings.FieldsFunc(words, func(c rune) bool { return c == ' ' || c == ',' }) {
		workers, isWorkers := strings.CutPrefix(word, "workers=")
		switch {
		case word == "+upstream":
			o.IncludeUpstream = true
		case word == "no_checks":
			o.Checks = storage.ChecksNone
		case word == "only_checks":
			o.Checks = storage.ChecksOnly
		case word == "in_process":
			o.Executor = executor.InProcess()
		case isWorkers:
			n, err := strconv.Atoi(workers)
			if err != nil {
				return nil, err
			}
			o.Executor = executor.Parallel(n)
		default:
			if o.Selected == nil {
				o.Selected = make([]bool, g.Items().Len())
			}
			i, ok := g.Items().Lookup(word)
			if !ok && word != "nothing" {
				return nil, fmt.Errorf("%q: no item of that name", word)
			}
			if ok {
				o.Selected[i] = true
			}
		}
	}
	return plan.New(g, o), nil
}

// show writes a line for each step: what it waits for, what it loads, its lane, what it keeps, why.
func show(p *plan.Plan, days string) (string, error) {
	var b strings.Builder
	var cut *plan.Assignment
	if p.HasPartitions() {
		var err error
		if cut, err = plantest.Assign(p, days); err != nil {
			return "", err
		}
	}
	fmt.Fprintf(&b, "%d workers\n", p.Capacity[plan.Parallel])
	for s, rec := range p.Record() {
		fmt.Fprintf(&b, "%s", rec.Key)
		list(&b, " after ", after(p, rec.After))
		list(&b, " loads ", loads(p, int32(s)))
		if p.Steps[s].Lane == plan.InProcess {
			b.WriteString(" [in process]")
		}
		if step := p.Steps[s]; step.Mapped && step.MaxConcurrency > 0 {
			fmt.Fprintf(&b, " [mapped, at most %d]", step.MaxConcurrency)
		} else if step.Mapped {
			b.WriteString(" [mapped]")
		}
		switch {
		case rec.Check:
			fmt.Fprintf(&b, " judges %s", p.Graph.Node(p.Steps[s].Node).Check.Asset)
		case p.Steps[s].Persist != nil:
			list(&b, " keeps only ", rec.Assets)
		default:
			list(&b, " makes ", rec.Assets)
		}
		if cut != nil && !cut.Sets[s].IsEmpty() {
			words, err := plantest.Describe(cut, p, int32(s), cut.Sets[s])
			if err != nil {
				return "", err
			}
			b.WriteString(" of " + words)
		}
		fmt.Fprintf(&b, " (%s)\n", p.Steps[s].Why)
	}
	return b.String(), nil
}

func list(b *strings.Builder, lead string, names []string) {
	if len(names) > 0 {
		b.WriteString(lead + strings.Join(names, ", "))
	}
}

func after(p *plan.Plan, steps []int32) []string {
	var names []string
	for _, s := range steps {
		names = append(names, p.Key(s))
	}
	return names
}

// loads names the values that a step reads and no step of the plan makes.
func loads(p *plan.Plan, s int32) []string {
	var names []string
	for k, v := range p.Graph.From(p.Steps[s].Node) {
		if v < 0 || p.Graph.Node(p.Steps[s].Node).Inputs[k].Mode == graph.Gate {
			continue
		}
		out, node := p.Graph.Output(v)
		if _, made := p.StepOf(node); !made || node == p.Steps[s].Node {
			names = append(names, out.Name)
		}
	}
	return names
}
