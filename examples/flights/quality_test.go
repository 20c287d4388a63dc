package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// The checks find what is in the data: two flights that are there twice, a dozen airports without a place. Counted with
// sort, uniq and awk from the files.
func TestQuality(t *testing.T) {
	t.Chdir(t.TempDir())
	repo := repository()
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A bucket stays in the directory in which it was opened: the next test opens it in its own.
		if err := errors.Join(repo.Shutdown(context.Background()), lake.Close(), facts.Close(), pages.Close()); err != nil {
			t.Error(err)
		}
	})
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"+report"}}); err != nil {
		t.Fatal(err)
	}
	status, err := repo.CheckStatus(t.Context(), "raw_flights", "flights", "airports")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]storage.CheckState{}
	for i := range status {
		got[status[i].Name] = status[i].State
		switch status[i].Check {
		case "unique_date_origin_destination":
			if n, _ := status[i].Metadata.Int("failed_rows"); n != 2 {
				t.Errorf("%d flights are there again, want 2", n)
			}
		case "located":
			if n, _ := status[i].Metadata.Int("unlocated"); n != 12 {
				t.Errorf("%d airports are nowhere, want 12", n)
			}
		}
	}
	want := map[string]storage.CheckState{
		"raw_flights:row_count": storage.CheckSucceeded, "raw_flights:unique_date_origin_destination": storage.CheckFailed,
		"flights:between_delay": storage.CheckSucceeded, "airports:located": storage.CheckFailed,
	}
	for name, state := range want {
		if got[name] != state || len(got) != len(want) {
			t.Errorf("%s is %s, want %s; all: %v", name, got[name], state, got)
		}
	}
	fresh, err := repo.Freshness(t.Context(), rivers.FreshnessRequest{Selection: []string{"report"}})
	if err != nil || len(fresh) != 1 || fresh[0].State.Late() {
		t.Errorf("%+v %v", fresh, err)
	}
	for range 2 { // a second time there is nothing to do
		if _, err := repo.RunAction(t.Context(), rivers.RunActionRequest{Action: "publish", Selection: []string{"report"}}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(filepath.Join("flights-data", "published", "index.html"))
	if err != nil || len(page) < 10_000 {
		t.Errorf("%d bytes are published, %v", len(page), err)
	}
}
