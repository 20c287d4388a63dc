package bench_test

import (
	"testing"

	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
)

var shapes = []bench.Shape{bench.Wide, bench.Chain, bench.Layers}

// nodes are the graph nodes of a shape, as the root makes them of definitions.
func nodes(s bench.Shape, n int, h iohandler.Handler) []graph.Node {
	all := make([]graph.Node, n)
	for i := range all {
		name := s.Name(i)
		all[i] = graph.Node{
			Name: name, Definition: name,
			Outputs: []graph.Output{{Name: name, Asset: true, Handler: h}},
			Call: func(_ *graph.Invocation, args []any) (graph.Result, error) {
				v := 1
				if len(args) > 0 {
					v += args[0].(int)
				}
				return graph.Result{Value: v}, nil
			},
		}
		for _, u := range s.Upstreams(i, nil) {
			all[i].Inputs = append(all[i].Inputs, graph.Input{Field: "Up", From: s.Name(u)})
		}
	}
	return all
}

func build(tb testing.TB, s bench.Shape, n int, h iohandler.Handler) *graph.Graph {
	tb.Helper()
	g, faults := graph.Build(nodes(s, n, h))
	if len(faults) > 0 {
		tb.Fatalf("faults: %+v", faults)
	}
	return g
}

// perItem reports a benchmark's time for each of n things that an iteration does.
func perItem(b *testing.B, n int, what string) {
	b.Helper()
	each := float64(b.N) * float64(n)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/each, "ns/"+what)
	b.ReportMetric(each/b.Elapsed().Seconds(), what+"s/s")
}

func BenchmarkGraph(b *testing.B) {
	for _, s := range shapes {
		b.Run(string(s), func(b *testing.B) {
			const n = 10_000
			all := nodes(s, n, iohandler.Memory())
			b.ReportAllocs()
			for b.Loop() {
				if g, faults := graph.Build(all); len(faults) > 0 || g.Len() != n {
					b.Fatal(faults)
				}
			}
			perItem(b, n, "node")
		})
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, s := range shapes {
		b.Run(string(s), func(b *testing.B) {
			const n = 10_000
			g := build(b, s, n, iohandler.Memory())
			b.ReportAllocs()
			for b.Loop() {
				if p := plan.New(g, plan.Options{Workers: 2}); len(p.Steps) != n {
					b.Fatal(len(p.Steps))
				}
			}
			perItem(b, n, "step")
		})
	}
}
