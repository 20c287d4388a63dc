package storage_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"pgregory.net/rapid"
)

func ExampleDetail_AppendJSON() {
	d := storage.Detail{Data: "v1", Inputs: map[string]string{"users": "v7", "orders": "v2"}}
	fmt.Println(string(d.AppendJSON(nil)))
	fmt.Println(storage.Detail{}.AppendJSON(nil) == nil)
	// Output:
	// {"data_version":"v1","inputs":{"orders":"v2","users":"v7"}}
	// true
}

func TestDetailAppendsAfterWhatIsThere(t *testing.T) {
	d := storage.Detail{Hint: "h", Instances: []string{"a", ""}}
	got := string(d.AppendJSON([]byte("[")))
	if want := `[{"hint":"h","instances":["a",""]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(storage.Detail{}.AppendJSON([]byte("["))); got != "[" {
		t.Errorf("an empty detail appended %q", got)
	}
}

func TestDetailTextIsTheTextOfEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		got := storage.Detail{Error: text, Tags: map[string]string{text: text}}.AppendJSON(nil)
		var back, want struct {
			Error string            `json:"error"`
			Tags  map[string]string `json:"tags"`
		}
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		std, err := json.Marshal(map[string]any{"error": text, "tags": map[string]string{text: text}})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, want) {
			t.Fatalf("%s reads back as %+v, want %+v", got, back, want)
		}
	})
}

func TestParseDetailReadsWhatAppendJSONWrote(t *testing.T) {
	texts := rapid.MapOf(rapid.StringMatching(`[ -~]*`), rapid.OneOf(rapid.StringMatching(`[ -~]*`), rapid.String()))
	rapid.Check(t, func(t *rapid.T) {
		d := storage.Detail{
			Data: rapid.String().Draw(t, "data"), Code: rapid.String().Draw(t, "code"),
			Error: rapid.String().Draw(t, "error"), Hint: rapid.String().Draw(t, "hint"), Stack: rapid.String().Draw(t, "stack"),
			Partitions: someSet().Draw(t, "partitions"), By: rapid.String().Draw(t, "by"), Reason: rapid.String().Draw(t, "reason"), Action: rapid.String().Draw(t, "action"),
			ReadSeq: rapid.Int64Min(0).Draw(t, "read seq"),
		}
		if m := texts.Draw(t, "tags"); len(m) > 0 {
			d.Tags = m
		}
		if m := texts.Draw(t, "inputs"); len(m) > 0 {
			d.Inputs = m
		}
		if l := rapid.SliceOf(rapid.String()).Draw(t, "instances"); len(l) > 0 {
			d.Instances = l
		}
		if rapid.Bool().Draw(t, "plain") { // as most are
			d = storage.Detail{Data: d.Data, Code: d.Code, Tags: d.Tags, Inputs: d.Inputs, ReadSeq: d.ReadSeq, Partitions: d.Partitions, Action: d.Action}
		}
		back, err := storage.ParseDetail(d.AppendJSON(nil))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, d) {
			t.Fatalf("got %+v, want %+v", back, d)
		}
	})
}

// someSet draws the set of some keys of a dynamic definition.
func someSet() *rapid.Generator[partition.Set] {
	return rapid.Map(rapid.SliceOfN(rapid.Uint32Range(0, 9), 0, 4), func(ordinals []uint32) partition.Set {
		return partition.DynamicSet("tenants", func(yield func(partition.Ordinal) bool) {
			for _, o := range ordinals {
				if !yield(partition.Ordinal(o)) {
					return
				}
			}
		})
	})
}

func FuzzParseDetail(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"data_version":"a","metadata":{"rows":3}}`, `{"tags":{"a":"\u0000"}}`, "null", "[]", `{"instances":[""]}`,
		`{"data_version":"a","code_version":"b","tags":{"a":"b"},"inputs":{"a":"","b":"c"},"read_seq":12,"outputs":{"a":"b"},"action":"a"}`,
		`{"read_seq":0}`, `{"read_seq":012}`, `{"read_seq":99999999999999999999}`, `{"inputs":{"a":"b","a":"c"}}`, `{"inputs":{}}`, `{"inputs":{"a":"b"},}`, `{,"action":"a"}`, `{"action":"a"} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := storage.ParseDetail(data)
		var want storage.Detail
		if std := json.Unmarshal(data, &want); len(data) > 0 && (std == nil) != (err == nil) || err == nil && len(data) > 0 && !reflect.DeepEqual(d, want) {
			t.Fatalf("%q is read as %+v (%v), by encoding/json as %+v (%v)", data, d, err, want, std)
		}
		if err != nil {
			return
		}
		once := d.AppendJSON(nil)
		again, err := storage.ParseDetail(once)
		if err != nil {
			t.Fatalf("%q was read and written as %q, which does not read: %v", data, once, err)
		}
		if twice := again.AppendJSON(nil); string(twice) != string(once) {
			t.Fatalf("%q written twice: %q, then %q", data, once, twice)
		}
	})
}

func TestDetailAppendJSONAllocates(t *testing.T) {
	d := storage.Detail{Data: "v1", Code: "c", Inputs: map[string]string{"users": "v7"}}
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { _ = d.AppendJSON(buf) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestAppendPlanIsReadByEncodingJSON(t *testing.T) {
	steps := rapid.SliceOf(rapid.Custom(func(t *rapid.T) storage.PlanStep {
		s := storage.PlanStep{Key: rapid.String().Draw(t, "key")}
		if l := rapid.SliceOf(rapid.String()).Draw(t, "assets"); len(l) > 0 {
			s.Assets = l
		}
		if l := rapid.SliceOf(rapid.Int32()).Draw(t, "after"); len(l) > 0 {
			s.After = l
		}
		s.Mapped, s.Partitions = rapid.Bool().Draw(t, "mapped"), someSet().Draw(t, "partitions")
		return s
	}))
	rapid.Check(t, func(t *rapid.T) {
		plan := steps.Draw(t, "plan")
		doc := storage.AppendPlan(nil, plan)
		if len(plan) == 0 {
			if doc != nil {
				t.Fatalf("a plan without steps is %q", doc)
			}
			return
		}
		var back []storage.PlanStep
		if err := json.Unmarshal(doc, &back); err != nil || !reflect.DeepEqual(back, plan) {
			t.Fatalf("%s reads as %+v, %v", doc, back, err)
		}
	})
}

func TestBatchValidateSaysWhatIsWrong(t *testing.T) {
	fence := storage.Fence{Run: 5, Token: 1}
	for want, b := range map[string]storage.Batch{
		"batch: event of run 6 under a fence of run 5":                                                {Fence: fence, Events: []storage.Event{{Run: 6, N: 1}}},
		"batch: log line with run 5 and n 0: both count from 1":                                       {Fence: fence, Logs: []storage.LogLine{{Run: 5}}},
		"batch: a change of run 5 to running under a fence of run 0: want the same run":               {RunUpdates: []storage.RunUpdate{{Run: 5, State: storage.Running}}},
		"batch: run 1 of 1 has no id":                                                                 {Runs: []storage.RunRecord{{}}},
		"batch: backfill 1 of 1 has no id":                                                            {Backfills: []storage.BackfillRecord{{}}},
		`batch: backfill "b" has an owner and a lease of 0s: want a positive one`:                     {Backfills: []storage.BackfillRecord{{ID: "b", Owner: "a"}}},
		"batch: a change of backfill 5 to failed under a fence of backfill 0: want the same backfill": {BackfillUpdates: []storage.BackfillUpdate{{Backfill: 5, State: storage.BackfillFailed}}},
		"batch: a change of backfill 5 to canceling after its end": {
			Fence:           storage.Fence{Backfill: 5},
			BackfillUpdates: []storage.BackfillUpdate{{Backfill: 5, State: storage.BackfillCompleted}, {Backfill: 5, State: storage.BackfillCanceling}},
		},
		"batch: a fence of run 5 and of backfill 6: want one of the two":                 {Fence: storage.Fence{Run: 5, Backfill: 6}},
		"batch: a request to cancel run 5 and backfill 6: want one of the two":           {Cancels: []storage.CancelRequest{{Run: 5, Backfill: 6}}},
		"batch: asset state 1 of 1: it has no asset":                                     {Assets: []storage.AssetUpdate{{}}},
		"batch: asset state 1 of 1: asset 3: it is of kind state_kind(9), which is none": {Assets: []storage.AssetUpdate{{Asset: 3, Kind: 9}}},
		`batch: asset state 1 of 1: partition "x" of asset 3 has no set of its own`:      {Assets: []storage.AssetUpdate{{Asset: 3, Partition: "x", Partitions: partition.Whole()}}},
		`batch: key "x" is removed from the table of static keys, which keeps all`:       {Keys: []storage.KeyUpdate{{Remove: []string{"x"}}}},
		`batch: an empty key for table "t": want a text`:                                 {Keys: []storage.KeyUpdate{{Table: "t", Add: []string{"a", ""}}}},
	} {
		if err := b.Validate(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for want, b := range map[string]storage.Batch{
		`append: value "k": commit it`:                        {KV: []storage.KVPair{{Key: "k"}}},
		`append: backfill "b": commit it`:                     {Backfills: []storage.BackfillRecord{{ID: "b"}}},
		`append: a change of backfill 3 to failed: commit it`: {BackfillUpdates: []storage.BackfillUpdate{{Backfill: 3, State: storage.BackfillFailed}}},
		`append: the end of run 7, or its plan: commit it`:    {Fence: storage.Fence{Run: 7}, RunUpdates: []storage.RunUpdate{{Run: 7, State: storage.Success}}},
		`append: keys of table "t": commit them`:              {Keys: []storage.KeyUpdate{{Table: "t"}}},
	} {
		if err := b.ValidateAppend(); err == nil || err.Error() != want {
			t.Errorf("append: got %v, want %s", err, want)
		}
	}
}
