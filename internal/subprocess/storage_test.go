package subprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// fill sets everything that a value has, differently for each seed and field.
func fill(v reflect.Value, seed *int64) {
	*seed++
	switch v.Type() {
	case timeType:
		v.Set(reflect.ValueOf(time.UnixMicro(1_700_000_000_000_000 + *seed).UTC()))
		return
	case metadataType:
		v.Set(reflect.ValueOf(metadata.Map{"n": metadata.Int(*seed), "t": metadata.Text("\u2028<x>"), "d": metadata.Duration(time.Second)}))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(*seed % 5) // small enough for every enumeration; zero for some
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*seed % 5))
	case reflect.Float64:
		v.SetFloat(float64(*seed) / 3)
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d \xff", *seed)) // also what is no text
	case reflect.Interface:
		v.Set(reflect.ValueOf(fmt.Sprint("any ", *seed)))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), seed)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), seed)
		fill(v.Index(1), seed)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(k, seed)
		fill(e, seed)
		v.SetMapIndex(k, e)
	case reflect.Struct:
		if textual(v.Type()) {
			fillText(v, *seed)
			return
		}
		for _, field := range v.Fields() {
			fill(field, seed)
		}
	default:
		panic("no value of type " + v.Type().String())
	}
}

// fillText sets a struct that crosses as its text.
func fillText(v reflect.Value, seed int64) {
	switch to := v.Addr().Interface().(type) {
	case *partition.Set:
		*to = partition.DynamicSet("table", slices.Values([]partition.Ordinal{partition.Ordinal(seed), partition.Ordinal(3*seed + 70_000)}))
	case *partition.Key:
		*to = partition.SingleKey(fmt.Sprintf("key|%d", seed))
	case *partition.KeyRange:
		*to = partition.Range(fmt.Sprint("a", seed), "z")
	case *storage.BackfillStrategy:
		*to = storage.PerDimension([]string{"region", fmt.Sprint("d", seed)}, []string{"day"})
	default:
		panic("no value of type " + v.Type().String())
	}
}

// made is the value that a method is asked with, or answers.
func made(t reflect.Type, method string) reflect.Value {
	v, seed := reflect.New(t).Elem(), int64(len(method))
	fill(v, &seed)
	return v
}

// records is a storage that answers each method with what the type has, if it is asked as is to be.
type records struct {
	storage.Reader

	signals chan struct{}
	gone    chan struct{} // closed when a watcher is gone
}

var errAsked = errors.New("asked for something else")

func reply[A, R any](method string, a A) (r R, err error) {
	if want := made(reflect.TypeFor[A](), method).Interface(); !reflect.DeepEqual(want, any(a)) {
		return r, fmt.Errorf("%w: %s with %+v, want %+v", errAsked, method, a, want)
	}
	return made(reflect.TypeFor[R](), method).Interface().(R), nil
}

func (records) GetRun(_ context.Context, id string) (storage.RunRecord, error) {
	return reply[string, storage.RunRecord]("GetRun", id)
}

func (records) ListRuns(_ context.Context, q storage.RunQuery) ([]storage.RunRecord, error) {
	return reply[storage.RunQuery, []storage.RunRecord]("ListRuns", q)
}

func (records) ListEvents(_ context.Context, q storage.EventQuery) ([]storage.Event, error) {
	return reply[storage.EventQuery, []storage.Event]("ListEvents", q)
}

func (records) ListAssetEvents(_ context.Context, q storage.AssetEventQuery) ([]storage.Event, error) {
	return reply[storage.AssetEventQuery, []storage.Event]("ListAssetEvents", q)
}

func (records) AssetKeys(_ context.Context, names []string) ([]storage.AssetKey, error) {
	return reply[[]string, []storage.AssetKey]("AssetKeys", names)
}

func (records) GetAsset(_ context.Context, name string) (storage.AssetRecord, error) {
	return reply[string, storage.AssetRecord]("GetAsset", name)
}

func (records) ListAssets(_ context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	return reply[storage.AssetQuery, []storage.AssetRecord]("ListAssets", q)
}

func (records) PartitionSets(_ context.Context, assets []storage.AssetKey) ([]storage.PartitionSets, error) {
	return reply[[]storage.AssetKey, []storage.PartitionSets]("PartitionSets", assets)
}

func (records) ListPartitions(_ context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error) {
	return reply[storage.PartitionQuery, []storage.PartitionState]("ListPartitions", q)
}

func (records) ListPartitionGroups(_ context.Context, asset storage.AssetKey, kind storage.StateKind) ([]storage.PartitionGroup, error) {
	if _, err := reply[storage.AssetKey, none]("ListPartitionGroups", asset); err != nil {
		return nil, err
	}
	return reply[storage.StateKind, []storage.PartitionGroup]("ListPartitionGroups", kind)
}

func (records) GetKeyTable(_ context.Context, name string) (storage.KeyTable, error) {
	return reply[string, storage.KeyTable]("GetKeyTable", name)
}

func (records) LookUpKeys(_ context.Context, q storage.KeyQuery) ([]partition.Ordinal, []string, error) {
	ordinals, err := reply[storage.KeyQuery, []partition.Ordinal]("LookUpKeys", q)
	if err != nil {
		return nil, nil, err
	}
	keys, err := reply[storage.KeyQuery, []string]("LookUpKeys", q)
	return ordinals, keys, err
}

func (records) ListChanges(_ context.Context, q storage.ChangeQuery) ([]storage.Change, error) {
	return reply[storage.ChangeQuery, []storage.Change]("ListChanges", q)
}

func (records) ChangeSeq(context.Context) (int64, error) {
	return reply[none, int64]("ChangeSeq", none{})
}

func (records) GetBackfill(_ context.Context, id string) (storage.BackfillRecord, error) {
	return reply[string, storage.BackfillRecord]("GetBackfill", id)
}

func (records) ListBackfills(_ context.Context, q storage.BackfillQuery) ([]storage.BackfillRecord, error) {
	return reply[storage.BackfillQuery, []storage.BackfillRecord]("ListBackfills", q)
}

func (records) ListLogs(_ context.Context, q storage.LogQuery) ([]storage.LogLine, error) {
	return reply[storage.LogQuery, []storage.LogLine]("ListLogs", q)
}

func (records) GetKV(_ context.Context, key string) ([]byte, error) {
	switch key {
	case "large":
		return bytes.Repeat([]byte{7}, 4<<20), nil
	case "missing":
		return nil, fmt.Errorf("key %q: %w", key, storage.ErrNotFound)
	}
	return reply[string, []byte]("GetKV", key)
}

func (records) ListKV(_ context.Context, prefix string) ([]storage.KVPair, error) {
	return reply[string, []storage.KVPair]("ListKV", prefix)
}

func (records) GetTopology(_ context.Context, location string) (storage.Topology, error) {
	return reply[string, storage.Topology]("GetTopology", location)
}

func (records) ListTopologies(context.Context) ([]storage.Topology, error) {
	return reply[none, []storage.Topology]("ListTopologies", none{})
}

func (records) ListPools(context.Context) ([]storage.PoolRecord, error) {
	return reply[none, []storage.PoolRecord]("ListPools", none{})
}

func (records) ListSlots(_ context.Context, q storage.SlotQuery) ([]storage.SlotRecord, error) {
	return reply[storage.SlotQuery, []storage.SlotRecord]("ListSlots", q)
}

func (r records) Watch(ctx context.Context, topics storage.Topic) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		defer close(out)
		defer close(r.gone)
		for {
			select {
			case <-r.signals:
				select {
				case out <- struct{}{}:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// readsStorage is a step that calls every method, and compares what comes with what it is to be.
func readsStorage(ctx context.Context, s Step) engine.Report {
	t := reflect.TypeFor[storage.Reader]()
	var faults []string
	for m := range t.Methods() {
		if m.Name == "Watch" {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(ctx)}
		for i := 1; i < m.Type.NumIn(); i++ {
			args = append(args, made(m.Type.In(i), m.Name))
		}
		got := reflect.ValueOf(s.Storage).MethodByName(m.Name).Call(args)
		if err := got[len(got)-1].Interface(); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", m.Name, err))
			continue
		}
		for i, result := range got[:len(got)-1] {
			if want := made(m.Type.Out(i), m.Name).Interface(); !reflect.DeepEqual(result.Interface(), want) {
				faults = append(faults, fmt.Sprintf("%s: %+v\nwant %+v", m.Name, result.Interface(), want))
			}
		}
	}
	if _, err := s.Storage.GetKV(ctx, "missing"); !errors.Is(err, storage.ErrNotFound) || err.Error() != `key "missing": not found` {
		faults = append(faults, fmt.Sprintf("missing: %v", err))
	}
	if _, err := s.Storage.GetRun(ctx, "another"); err == nil || errors.Is(err, storage.ErrNotFound) {
		faults = append(faults, fmt.Sprintf("another: %v", err))
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Storage.GetKV(ended, "large"); !errors.Is(err, context.Canceled) {
		faults = append(faults, fmt.Sprintf("canceled: %v", err))
	}
	if len(faults) > 0 {
		return failed(errors.New(strings.Join(faults, "\n")))
	}
	watching, stop := context.WithCancel(ctx)
	signals := s.Storage.Watch(watching, storage.TopicSlots|storage.TopicCancel)
	for range 3 {
		said(s, "signal, please")
		<-signals
	}
	stop()
	for range signals { // until it is closed
	}
	return done
}

// A step reads all that its parent can read, exactly as it is recorded.
func TestStorageIsThatOfTheParent(t *testing.T) {
	t.Parallel()
	r := records{signals: make(chan struct{}), gone: make(chan struct{})}
	heard := &launched{on: func(line storage.LogLine) {
		if line.Message == "signal, please" {
			go func() { r.signals <- struct{}{} }()
		}
	}}
	try(t.Context(), &Launcher{Storage: r}, "reads", heard)
	if heard.err != nil || heard.report.Failure != nil {
		t.Fatalf("%v\n%v", heard.err, heard.report.Failure)
	}
	if n := len(heard.lines); n != 3 {
		t.Errorf("%d signals, want 3", n)
	}
	<-r.gone
}

// readsAndTells fills both directions of the connection at once.
func readsAndTells(ctx context.Context, s Step) engine.Report {
	done := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 8 {
				var b []byte
				if b, err = s.Storage.GetKV(ctx, "large"); err == nil && len(b) != 4<<20 {
					err = fmt.Errorf("%d bytes", len(b))
				}
				said(s, strings.Repeat("w", 1<<20))
			}
			done <- err
		}()
	}
	var errs []error
	for range 8 {
		errs = append(errs, <-done)
	}
	if err := errors.Join(errs...); err != nil {
		return failed(err)
	}
	return engine.Report{Kind: storage.StepSucceeded}
}

func TestBothDirectionsAtOnce(t *testing.T) {
	t.Parallel()
	heard := try(t.Context(), &Launcher{Storage: records{}}, "reads and tells", &launched{quiet: true})
	if heard.err != nil || heard.report.Failure != nil {
		t.Fatalf("%v, %v", heard.err, heard.report.Failure)
	}
	if got := heard.streams[storage.StreamLog]; got != 64<<20 {
		t.Errorf("%d bytes were logged, want %d", got, 64<<20)
	}
}

func TestEveryMethodIsListed(t *testing.T) {
	t.Parallel()
	want := reflect.TypeFor[storage.Reader]().NumMethod()
	all := methods()
	if len(all) != want {
		t.Errorf("%d methods are listed, the interface has %d", len(all), want)
	}
	for i := range want {
		name := reflect.TypeFor[storage.Reader]().Method(i).Name
		if _, ok := all[name]; !ok {
			t.Errorf("%s is not listed", name)
		}
	}
}

// What cannot cross says so where it is sent, and a message that was cut or made up is an error.
func TestCodecRefuses(t *testing.T) {
	t.Parallel()
	for _, v := range []any{make(chan int), struct{ f int }{}, map[string]any{"a": func() {}}, struct{ F func() }{}} {
		if b, err := encode(nil, v); err == nil {
			t.Errorf("a %T became %x", v, b)
		} else {
			t.Log(err)
		}
	}
	whole, err := encode(nil, made(reflect.TypeFor[storage.RunRecord](), "x").Interface())
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := decode(whole[:n], &storage.RunRecord{}); err == nil {
			t.Fatalf("%d of %d bytes are a record", n, len(whole))
		}
	}
	if err := decode(append(slices.Clone(whole), 0), &storage.RunRecord{}); err == nil || err.Error() != "1 bytes follow the message" {
		t.Error(err)
	}
	if err := decode(whole, &struct{ C chan int }{}); err == nil {
		t.Error("a channel came out of it")
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range []any{
		made(reflect.TypeFor[Order](), "x").Interface(), made(reflect.TypeFor[engine.Report](), "x").Interface(),
		answer{ID: 1, Fault: &fault{Message: "m", Kinds: []int{1}}, Result: []byte{}},
	} {
		b, err := encode(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, to := range []any{&Order{}, &engine.Report{}, &answer{}, &storage.RunRecord{}} {
			if decode(b, to) != nil {
				continue
			}
			again, err := encode(nil, reflect.ValueOf(to).Elem().Interface())
			if err != nil {
				t.Errorf("what was read cannot be written: %v", err)
			}
			other := reflect.New(reflect.TypeOf(to).Elem())
			if err := decode(again, other.Interface()); err != nil {
				t.Errorf("what was written cannot be read: %v", err)
			}
		}
	})
}
