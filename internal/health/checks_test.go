package health_test

import (
	"testing"

	"github.com/rivers-go/rivers/internal/health"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// What each check said last is counted; what never ran is unknown.
func TestReadChecks(t *testing.T) {
	store := memory.New()
	defer func() { _ = store.Close() }()
	said := map[string]*storage.Verdict{
		"passed": {Passed: true}, "warned": {Severity: storage.SeverityWarn}, "failed": {}, "crashed": nil, "mended": {Passed: true},
	}
	checks := []string{"passed", "warned", "failed", "crashed", "mended", "never"}
	names := make([]string, len(checks))
	for i, c := range checks {
		names[i] = storage.CheckName("users", c)
	}
	if err := store.Commit(t.Context(), &storage.Batch{Topologies: []storage.Topology{{Location: "t", Hash: "1", Assets: names, Doc: []byte("{}")}}}); err != nil {
		t.Fatal(err)
	}
	keys, err := store.AssetKeys(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	evaluate := func(check int, kind storage.StateKind, v *storage.Verdict) {
		t.Helper()
		d := storage.Detail{Check: v}
		u := storage.AssetUpdate{Asset: keys[check], Kind: kind, At: 1, Detail: d.AppendJSON(nil)}
		if err := store.Commit(t.Context(), &storage.Batch{Assets: []storage.AssetUpdate{u}}); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range checks[:5] {
		kind := storage.Failed
		if v := said[c]; v != nil && v.Passed {
			if c == "mended" {
				evaluate(i, storage.Failed, &storage.Verdict{})
			}
			kind = storage.Materialized
		}
		evaluate(i, kind, said[c])
	}
	got, err := health.ReadChecks(t.Context(), store, "users", checks)
	want := health.Checks{Defined: 6, Passed: 2, Warned: 1, Failed: 1, Crashed: 1, Unknown: 1}
	if err != nil || got != want {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
}
