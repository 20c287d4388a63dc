package plan_test

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
)

// A recorded plan has the steps at the indices, and the edges, of the plan that was recorded.
func TestRecordedIsThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := randomGraph(t)
		want := plan.New(g, randomOptions(t, g))
		got, err := plan.Recorded(want.Record())
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Steps) != len(want.Steps) {
			t.Fatalf("%d steps, want %d", len(got.Steps), len(want.Steps))
		}
		for s := range int32(len(want.Steps)) {
			if got.Key(s) != want.Key(s) || got.Waits(s) != want.Waits(s) || !reflect.DeepEqual(append([]int32{}, got.Down(s)...), append([]int32{}, want.Down(s)...)) {
				t.Fatalf("step %d is %q waiting for %d and followed by %v, want %q, %d, %v",
					s, got.Key(s), got.Waits(s), got.Down(s), want.Key(s), want.Waits(s), want.Down(s))
			}
			if got.Steps[s].Mapped != want.Steps[s].Mapped {
				t.Fatalf("step %d is mapped: %t", s, got.Steps[s].Mapped)
			}
		}
	})
}

func TestRecordedRefusesWhatIsNoPlan(t *testing.T) {
	for want, steps := range map[string][]storage.PlanStep{
		`step 0 ("a") comes after step 1`: {{Key: "a", After: []int32{1}}, {Key: "b"}},
		`"a" is there twice`:              {{Key: "a"}, {Key: "a"}},
	} {
		if p, err := plan.Recorded(steps); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, %v, want %s", steps, p, err, want)
		}
	}
}

// The step of an action is known as one, so that whoever reads the run knows what it has done.
func TestRecordedKnowsActions(t *testing.T) {
	p, err := plan.Recorded([]storage.PlanStep{{Key: "users!drop"}, {Key: "orders!drop", After: []int32{0}}})
	if err != nil {
		t.Fatal(err)
	}
	node := p.Graph.Node(p.Steps[0].Node)
	if node.Kind != graph.Action || node.Action.Asset != "users" || node.Action.Name != "drop" || p.Waits(1) != 1 {
		t.Errorf("%+v, %d", node, p.Waits(1))
	}
}
