package iohandlertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// oddKeys are keys that a careless path would mix up.
var oddKeys = []string{
	"2026-01-31", "2026-01-31-12:00", "a", "a/b", "a/../b", "..", ".", "a.b", "a|b", "a,b", "a=b", `a\b`, "ä", "世界", " ", "a ", "~2F",
	"%2F", "\x00", "con", "[0]", "a[0]", strings.Repeat("long", 90), strings.Repeat("long", 90) + "er",
}

// oddSlices are the partitions of a static definition and of a product, one by one.
func oddSlices(t *testing.T) []partition.Slice {
	t.Helper()
	static := partition.Static(oddKeys...)
	product := partition.Multi(map[string]partition.Definition{"key": static, "kind": partition.Static("x", "y")})
	var all []partition.Slice
	for _, d := range []partition.Definition{static, product} {
		space, err := partition.NewSpace(d, time.Unix(0, 0), partition.Tables{})
		if err != nil {
			t.Fatal(err)
		}
		for key, err := range space.Keys(space.All()) {
			if err != nil {
				t.Fatal(err)
			}
			set, err := space.Set(key)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, partition.SliceOf(space, set, key))
		}
	}
	return all
}

// partitions checks that the values of partitions are apart, from each other and from the value of
// a name without partitions, whatever their keys are.
func partitions(t *testing.T, s subject) {
	all := oddSlices(t)
	of := func(i int) (*iohandler.OutputContext, *iohandler.InputContext, any) {
		value := s.sample(t, i)
		out, in := output("parts", value), input("parts", value)
		if i < len(all) {
			out.Partition, in.Partition = all[i], all[i]
		}
		return out, in, value
	}
	for i := range len(all) + 1 {
		out, _, value := of(i)
		if err := s.HandleOutput(t.Context(), out, value); err != nil {
			t.Fatalf("HandleOutput of partition %s: %v", out.Partition, err)
		}
	}
	for i := range len(all) + 1 {
		_, in, value := of(i)
		got, err := s.LoadInput(t.Context(), in)
		if err != nil {
			t.Fatalf("LoadInput of %s: %v", in, err)
		}
		if diff := s.equal(value, got); diff != "" {
			t.Errorf("partition %s is not what was stored (-stored +loaded):\n%s", in, diff)
		}
	}
	space, err := partition.NewSpace(partition.Static("never"), time.Unix(0, 0), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	_, in, _ := of(0)
	in.Partition = partition.SliceOf(space, space.All(), partition.SingleKey("never"))
	if _, err := s.LoadInput(t.Context(), in); !errors.Is(err, iohandler.ErrNoValue) || !strings.Contains(err.Error(), "never") {
		t.Errorf("LoadInput of a partition that was never stored: got error %v, want one that wraps iohandler.ErrNoValue and names it", err)
	}
	deletesOne(t, s, of)
}

// deletesOne checks that one partition is deleted and no other.
func deletesOne(t *testing.T, s subject, of func(i int) (*iohandler.OutputContext, *iohandler.InputContext, any)) {
	deleter, ok := s.Handler.(iohandler.Deleter)
	if !ok {
		return
	}
	_, gone, _ := of(2)
	if err := deleter.Delete(t.Context(), gone); err != nil {
		t.Fatalf("Delete of %s: %v", gone, err)
	}
	if _, err := s.LoadInput(t.Context(), gone); !errors.Is(err, iohandler.ErrNoValue) {
		t.Errorf("LoadInput of %s, which was deleted: %v", gone, err)
	}
	_, stays, _ := of(3)
	if _, err := s.LoadInput(t.Context(), stays); err != nil {
		t.Errorf("LoadInput of %s, which stays: %v", stays, err)
	}
}
