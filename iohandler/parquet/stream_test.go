package parquet_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/parquet"
	"github.com/rivers-go/rivers/metadata"
)

type trade struct {
	ID     int64 `parquet:"id"`
	Symbol string
	Price  float64
}

func numbered(n int) iter.Seq2[trade, error] {
	return func(yield func(trade, error) bool) {
		for i := range n {
			if !yield(trade{int64(i), "SYM" + strings.Repeat("x", i%17), float64(i) / 3}, nil) {
				return
			}
		}
	}
}

func put(t *testing.T, h iohandler.Handler, name string, value any) *iohandler.OutputContext {
	t.Helper()
	out := &iohandler.OutputContext{Name: name, Type: reflect.TypeOf(value)}
	if err := h.HandleOutput(t.Context(), out, value); err != nil {
		t.Fatal(err)
	}
	return out
}

func load[T any](t *testing.T, h iohandler.Handler, name string) T {
	t.Helper()
	got, err := h.LoadInput(t.Context(), &iohandler.InputContext{Name: name, Type: reflect.TypeFor[T]()})
	if err != nil {
		t.Fatal(err)
	}
	return got.(T)
}

func loadError[T any](h iohandler.Handler, name string) error {
	_, err := h.LoadInput(context.Background(), &iohandler.InputContext{Name: name, Type: reflect.TypeFor[T]()})
	return err
}

// TestStreamsInConstantMemory writes and reads more than is ever held.
func TestStreamsInConstantMemory(t *testing.T) {
	rows, limit := 1_000_000, uint64(48<<20) // as structs with their texts, 50 MB and more
	if raceEnabled {
		rows = 100_000
	}
	h := parquet.New("file://"+t.TempDir(), parquet.Options{RowGroupRows: 1 << 15})
	var peak, base runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&base)
	watch := func(i int) {
		if i%(rows/10) == 0 {
			runtime.GC()
			runtime.ReadMemStats(&peak)
			if held := int64(peak.HeapAlloc) - int64(base.HeapAlloc); held > int64(limit) {
				t.Fatalf("at row %d of %d the heap grew by %d MB, want at most %d", i, rows, held>>20, limit>>20)
			}
		}
	}
	var source iter.Seq2[trade, error] = func(yield func(trade, error) bool) {
		for row, err := range numbered(rows) {
			watch(int(row.ID))
			if !yield(row, err) {
				return
			}
		}
	}
	out := put(t, h, "trades", source)
	if got := out.Added["num_rows"]; got != int64(rows) {
		t.Errorf("num_rows is %v, want %d", got, rows)
	}
	next := int64(0)
	for row, err := range load[iter.Seq2[trade, error]](t, h, "trades") {
		if err != nil {
			t.Fatal(err)
		}
		if row.ID != next {
			t.Fatalf("row %d has the id %d", next, row.ID)
		}
		watch(int(next))
		next++
	}
	if next != int64(rows) {
		t.Errorf("read %d rows, want %d", next, rows)
	}
}

func TestStreamLoad(t *testing.T) {
	t.Parallel()
	h := parquet.New("mem://", parquet.Options{RowGroupRows: 100})
	put(t, h, "trades", numbered(10_000))
	stream := load[iter.Seq2[trade, error]](t, h, "trades")
	for round := range 2 { // the second range opens the file again
		n := 0
		for row, err := range stream {
			if err != nil || row.ID != int64(n) {
				t.Fatalf("round %d: row %d is %v, error %v", round, n, row, err)
			}
			n++
			if round == 0 && n == 150 {
				break
			}
		}
		if want := []int{150, 10_000}[round]; n != want {
			t.Errorf("round %d: read %d rows, want %d", round, n, want)
		}
	}
	if err := h.Delete(t.Context(), &iohandler.InputContext{Name: "trades"}); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for _, err := range stream {
		failures++
		if !errors.Is(err, iohandler.ErrNoValue) {
			t.Errorf("range over a deleted file: got error %v, want ErrNoValue", err)
		}
	}
	if failures != 1 {
		t.Errorf("the stream yielded %d errors, want one", failures)
	}
}

func TestOtherRowTypes(t *testing.T) {
	t.Parallel()
	type narrow struct {
		Price float64
		ID    *int32 `parquet:"id"`
	}
	type misspelt struct{ Symbl string }
	type wrong struct{ Symbol int }
	h := parquet.New("file://"+t.TempDir(), parquet.Options{})
	put(t, h, "trades", []trade{{1, "A", 2.5}, {1 << 40, "B", 0}})
	put(t, h, "few", []trade{{7, "A", 2.5}})
	seven := int32(7)
	if diff := cmp.Diff([]narrow{{2.5, &seven}}, load[[]narrow](t, h, "few")); diff != "" {
		t.Error(diff)
	}
	stored := reflect.TypeFor[[]trade]()
	for _, c := range []struct {
		wanted reflect.Type
		can    bool
		err    error
		says   []string
	}{
		{reflect.TypeFor[[]narrow](), true, loadError[[]narrow](h, "trades"), []string{"trades.parquet", "row 1", `column "id"`, "1099511627776 does not fit in int32"}},
		{reflect.TypeFor[[]misspelt](), false, loadError[[]misspelt](h, "trades"), []string{"file://", "trades.parquet", `no column "Symbl"`, `did you mean "Symbol"?`}},
		{reflect.TypeFor[[]wrong](), false, loadError[[]wrong](h, "trades"), []string{"trades.parquet", `column "Symbol"`, "utf8", "int"}},
		{reflect.TypeFor[int](), false, loadError[int](h, "trades"), []string{"trades.parquet", "int is not rows", "iter.Seq2"}},
	} {
		if got := h.CanLoad(stored, c.wanted); got != c.can {
			t.Errorf("CanLoad(%s, %s) is %t, want %t", stored, c.wanted, got, c.can)
		}
		requireSays(t, c.err, c.says...)
	}
	for _, wanted := range []reflect.Type{reflect.TypeFor[iter.Seq2[narrow, error]](), reflect.TypeFor[array.RecordReader](), reflect.TypeFor[arrow.RecordBatch](), stored} {
		if !h.CanLoad(stored, wanted) {
			t.Errorf("CanLoad(%s, %s) is false, want true", stored, wanted)
		}
	}
}

func requireSays(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("got no error, want one that says %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	h := parquet.New("mem://", parquet.Options{RowGroupRows: 10})
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "Symbol", Type: arrow.BinaryTypes.String}, {Name: "Price", Type: arrow.PrimitiveTypes.Float64}}, nil)
	build := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer build.Release()
	var all []arrow.RecordBatch
	for i := range 4 {
		for j := range i * 10 { // the first is empty, others fill row groups to the brim
			build.Field(0).(*array.Int64Builder).Append(int64(j))
			build.Field(1).(*array.StringBuilder).Append("S")
			build.Field(2).(*array.Float64Builder).Append(1.5)
		}
		all = append(all, build.NewRecordBatch())
	}
	reader, err := array.NewRecordReader(schema, all)
	if err != nil {
		t.Fatal(err)
	}
	put(t, h, "stream", reader)
	put(t, h, "one", all[3])
	put(t, h, "none", all[0])
	for name, want := range map[string]int{"stream": 60, "one": 30, "none": 0} {
		if got := load[arrow.RecordBatch](t, h, name); got.NumRows() != int64(want) || !got.Schema().Equal(schema) && got.NumCols() != 3 {
			t.Errorf("%s: loaded %d rows of %s, want %d", name, got.NumRows(), got.Schema(), want)
		}
		if got := load[[]trade](t, h, name); len(got) != want {
			t.Errorf("%s: loaded %d trades, want %d", name, len(got), want)
		}
		batches, rows := load[array.RecordReader](t, h, name), int64(0)
		for batches.Next() {
			rows += batches.RecordBatch().NumRows()
		}
		if batches.Err() != nil || rows != int64(want) {
			t.Errorf("%s: streamed %d rows, error %v, want %d", name, rows, batches.Err(), want)
		}
		batches.Release()
	}
}

// TestCorrupt cuts and changes a file everywhere: what loads is right, what does not names the file.
func TestCorrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := parquet.New("file://"+dir, parquet.Options{RowGroupRows: 64, Compression: parquet.Uncompressed})
	var rows []trade
	for row, err := range numbered(200) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	put(t, h, "trades", rows)
	path := filepath.Join(dir, "trades.parquet")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole); cut += 1 + len(whole)/100 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		requireSays(t, loadError[[]trade](h, "trades"), "file://"+path)
	}
	for at := 0; at < len(whole); at += 1 + len(whole)/300 {
		changed := append([]byte{}, whole...)
		changed[at] ^= 0xff
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := loadError[[]trade](h, "trades"); err != nil {
			requireSays(t, err, "file://"+path)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	type recursive struct{ Next []recursive }
	type twice struct {
		A int `parquet:"x"`
		B int `parquet:"x"`
	}
	type unsized struct {
		Amount string `parquet:",decimal(40,2)"`
	}
	type misspelt struct {
		A int `parquet:"a,omitempty"`
	}
	type noTime struct {
		A int `parquet:"a,date"`
	}
	h := parquet.New("mem://", parquet.Options{})
	for _, c := range []struct {
		value any
		says  string
	}{
		{[]byte{1}, "bytes, not rows"},
		{trade{}, "is not rows: want a slice"},
		{[]recursive{}, "holds itself"},
		{[]twice{}, `two fields for column "x"`},
		{[]unsized{}, "precision of 1 to 38"},
		{[]misspelt{}, `unknown option "omitempty"`},
		{[]noTime{}, "is no time"},
		{[]func(){}, "no form for func()"},
		{[]struct{ a int }{}, "no exported field"},
		{[]**int{}, "nil in two ways"},
		{[]any{}, "no form for interface"},
		{map[[1]int]int{}, "keys are text or numbers"},
		{iter.Seq[int](nil), "is not rows"},
	} {
		requireSays(t, h.CanStore(reflect.TypeOf(c.value)), c.says)
		requireSays(t, h.HandleOutput(t.Context(), &iohandler.OutputContext{Name: "x"}, c.value), c.says)
	}
	type priced struct {
		Price string `parquet:"price,decimal(4,2)"`
	}
	for _, c := range []struct {
		value any
		says  string
	}{
		{[]priced{{"1"}, {"1.234"}}, `row 1, column "price": "1.234" has 3 decimal places: want at most 2`},
		{[]priced{{"123"}}, "too many digits"},
		{[]priced{{""}}, "no decimal number"},
		{[]priced{{"1e3"}}, "no decimal number"},
		{[]*trade{{}, nil}, "row 1: it is nil"},
		{nil, "the value is nil"},
		{iter.Seq2[trade, error](nil), "is nil: want a function"},
	} {
		requireSays(t, h.HandleOutput(t.Context(), &iohandler.OutputContext{Name: "x"}, c.value), c.says)
	}
	requireSays(t, parquet.New("s3://key:secret@b", parquet.Options{Compression: "zip", RowGroupRows: -1}).Validate(), `compression "zip" is unknown`, "RowGroupRows is -1", "iohandler/blob/s3")
}

func TestNilIsNoRows(t *testing.T) {
	t.Parallel()
	h := parquet.New("mem://", parquet.Options{})
	out := &iohandler.OutputContext{Name: "x", Type: reflect.TypeFor[[]trade]()}
	if err := h.HandleOutput(t.Context(), out, nil); err != nil {
		t.Fatal(err)
	}
	if got := load[[]trade](t, h, "x"); len(got) != 0 {
		t.Errorf("loaded %v", got)
	}
	want := metadata.Schema(metadata.Column{Name: "id", Type: "int64"}, metadata.Column{Name: "Symbol", Type: "utf8"}, metadata.Column{Name: "Price", Type: "float64"})
	if got := out.Added["rivers/schema"]; got != want {
		t.Errorf("rivers/schema is %v, want %v", got, want)
	}
}

// FuzzRead feeds the reader what is no file: it answers with an error that names it, or with rows.
func FuzzRead(f *testing.F) {
	dir := f.TempDir() // one a process, for a fuzzing worker runs one input after the other
	h := parquet.New("file://"+dir, parquet.Options{})
	for _, value := range own() {
		if err := h.HandleOutput(context.Background(), &iohandler.OutputContext{Name: "x"}, value); err != nil {
			f.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "x.parquet"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "x.parquet")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{loadError[[]Wide](h, "x"), loadError[arrow.RecordBatch](h, "x"), loadError[[]int](h, "x")} {
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("error %q does not name %s", err, path)
			}
		}
	})
}
