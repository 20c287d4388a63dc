package rivers

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/metadata"
)

type counts struct{ Users, Events int }

func TestAssetCallsItsFunction(t *testing.T) {
	t.Parallel()
	raw := NewAsset(AssetSpec{Name: "raw_data"}, func(*AssetContext, NoInput) (counts, error) {
		return counts{100, 5000}, nil
	})
	summary := NewAsset(AssetSpec{Name: "summary"}, func(ctx *AssetContext, in struct{ RawData counts }) (string, error) {
		ctx.Log().Info("summarising")
		return fmt.Sprintf("%d users", in.RawData.Users), nil
	})
	w := new(world).build(raw, summary)
	res, _, err := w.call(t, "raw_data")
	if err != nil || res.Value != (counts{100, 5000}) {
		t.Fatalf("%v, %v", res.Value, err)
	}
	res, _, err = w.call(t, "summary", res.Value)
	if err != nil || res.Value != "100 users" {
		t.Fatalf("%v, %v", res.Value, err)
	}
	if in := w.node(t, "summary").Inputs; len(in) != 1 || in[0].From != "raw_data" || in[0].Field != "RawData" {
		t.Errorf("inputs %+v", in)
	}
}

func TestOutputCarriesFacts(t *testing.T) {
	t.Parallel()
	w := new(world).build(NewAsset(AssetSpec{Name: "a"}, func(ctx *AssetContext, _ NoInput) (Output[[]int], error) {
		ctx.AddMetadata("rows", 1)
		ctx.AddMetadata("from", "body")
		return Output[[]int]{Value: []int{7}, Metadata: metadata.Map{"rows": 2}, DataVersion: "v1", Tags: map[string]string{"k": "v"}}, nil
	}), NewAsset(AssetSpec{Name: "b"}, func(_ *AssetContext, in struct{ A []int }) (Materialization, error) {
		return Materialization{DataVersion: fmt.Sprint(len(in.A))}, nil
	}))
	res, inv, err := w.call(t, "a")
	if err != nil || len(res.Value.([]int)) != 1 || res.Recorded {
		t.Fatalf("%+v, %v", res, err)
	}
	f := inv.Facts[0]
	if f.Metadata["rows"] != 2 || f.Metadata["from"] != "body" || f.DataVersion != "v1" || f.Tags["k"] != "v" {
		t.Errorf("facts %+v", f)
	}
	res, inv, err = w.call(t, "b", res.Value)
	if err != nil || !res.Recorded || res.Value != nil || inv.Facts[0].DataVersion != "1" {
		t.Errorf("%+v, %+v, %v", res, inv.Facts, err)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	if err := Skip("nothing new"); !errors.Is(err, ErrSkip) || err.Error() != "skipped: nothing new" {
		t.Errorf("%v", err)
	}
}

func TestCallsAllocateLittle(t *testing.T) {
	w := new(world).build(
		NewAsset(AssetSpec{Name: "none"}, func(*AssetContext, NoInput) (counts, error) { return counts{1, 2}, nil }),
		NewAsset(AssetSpec{Name: "one"}, func(_ *AssetContext, in struct{ None counts }) (counts, error) { return in.None, nil }))
	for _, c := range []struct {
		node string
		args []any
		max  float64
	}{{"none", nil, 2}, {"one", []any{counts{3, 4}}, 4}} {
		n := w.node(t, c.node)
		inv := invoke(t, n)
		if got := testing.AllocsPerRun(100, func() { _, _ = n.Call(inv, c.args) }); got > c.max {
			t.Errorf("%s allocates %v times, at most %v", c.node, got, c.max)
		}
	}
}
