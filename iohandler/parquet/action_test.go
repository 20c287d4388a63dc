package parquet_test

import (
	"reflect"
	"testing"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/parquet"
)

func actionOf(t *testing.T, h iohandler.Actor, name string) iohandler.Action {
	t.Helper()
	for _, a := range h.Actions() {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("there is no action %q", name)
	return iohandler.Action{}
}

type tick struct {
	ID int64 `parquet:"id"`
}

// A file of many small row groups becomes one of few, with the same rows; a second time there is nothing to do.
func TestCompact(t *testing.T) {
	t.Parallel()
	url := "file://" + t.TempDir()
	rows := make([]tick, 95)
	for i := range rows {
		rows[i].ID = int64(i)
	}
	put(t, parquet.New(url, parquet.Options{RowGroupRows: 10}), "ticks", rows)
	h := parquet.New(url, parquet.Options{RowGroupRows: 50})
	compact := actionOf(t, h, "compact")
	for _, c := range []struct {
		before int64
		did    iohandler.Effect
	}{{10, iohandler.MayMaterialize}, {2, iohandler.ChangesNothing}} {
		out := iohandler.OutputContext{Name: "ticks"}
		did, err := compact.Do(t.Context(), &out)
		if before, _ := out.Added["row_groups_before"].(int); err != nil || did.Did != c.did || int64(before) != c.before {
			t.Errorf("%+v of %d row groups, %v; want %+v", did, before, err, c)
		}
		if did.Did == iohandler.MayMaterialize && (!did.SameData || out.Added["num_rows"] != int64(95)) {
			t.Errorf("%+v %v", did, out.Added)
		}
	}
	got, err := h.LoadInput(t.Context(), &iohandler.InputContext{Name: "ticks", Type: reflect.TypeFor[[]tick]()})
	if err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := compact.Do(t.Context(), &iohandler.OutputContext{Name: "others"}); err == nil {
		t.Error("a file that is not there was compacted")
	}
}
