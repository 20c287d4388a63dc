package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/riverstest"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// requireStored compares what a run stored with what the functions return when they are called
// one after another; those are compared with independently computed numbers in flights_test.go.
func requireStored[T any](t *testing.T, repo *rivers.CodeRepository, name string, want T) {
	t.Helper()
	got := riverstest.Value[T](t, repo, name)
	wanted, err1 := json.Marshal(want)
	stored, err2 := json.Marshal(got)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(wanted, stored) { // a difference of 20,000 rows is looked for only where there is one
		t.Errorf("%s differs (-want +stored):\n%s", name, cmp.Diff(want, got))
	}
}

func TestPipelineStoresWhatTheFunctionsMake(t *testing.T) {
	t.Chdir(t.TempDir()) // the handlers stay where they were first used, so no other test writes
	store, err := sqlite.Open(t.Context(), "store")
	if err != nil {
		t.Fatal(err)
	}
	repo := repository()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"+report"}})
	if err != nil || res.Status != storage.Success {
		t.Fatalf("run %s: %v", res.Status, err)
	}
	want := runAll(t, embedded())
	requireStored(t, repo, "raw_flights", want.raw)
	requireStored(t, repo, "rejects", want.rejects)
	requireStored(t, repo, "legs", want.legs)
	requireStored(t, repo, "headline", want.data.Headline)
	requireStored(t, repo, "delay_by_hour", want.data.Hours)
	requireStored(t, repo, "delay_by_day", want.data.Days)
	requireStored(t, repo, "delay_by_airport", want.data.Airports)
	requireStored(t, repo, "routes", want.data.Routes)
	requireStored(t, repo, "states", want.data.States)
	page, err := RenderReport(want.data)
	if err != nil {
		t.Fatal(err)
	}
	onDisk, err := os.ReadFile(filepath.Join("flights-data", "pages", "report.html"))
	if err != nil || string(onDisk) != string(page) {
		t.Errorf("the page on disk has %d bytes, want the %d of RenderReport (%v)", len(onDisk), len(page), err)
	}
	rec, err := repo.Storage().GetAsset(t.Context(), "rejects")
	if err != nil {
		t.Fatal(err)
	}
	rejected := int64(0)
	for _, c := range CountRejects(want.rejects) {
		n, ok := rec.Materialization.Metadata.Int(string(c.Reason))
		if !ok || n != int64(c.Rows) {
			t.Errorf("metadata %s = %d, want %d", c.Reason, n, c.Rows)
		}
		rejected += n
	}
	if rejected != int64(len(want.rejects)) {
		t.Errorf("metadata counts %d rejects, want %d", rejected, len(want.rejects))
	}
	closeRepository(t, repo)
	if problems, err := store.Check(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("the store has problems: %q, %v", problems, err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

func TestRawFileIsObserved(t *testing.T) {
	repo := repository()
	defer closeRepository(t, repo)
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	seen, err := repo.Observe(t.Context())
	if rows, _ := seen["raw_file"].Int("rows"); err != nil || rows != 20000 {
		t.Errorf("raw_file: %v, %v", seen["raw_file"], err)
	}
}

func BenchmarkPipeline(b *testing.B) {
	repo := repository()
	defer closeRepository(b, repo)
	if err := repo.Resolve(b.Context(), memory.New()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if res, err := repo.Materialize(b.Context(), rivers.RunRequest{Selection: []string{"+report"}}); err != nil || len(res.Steps) != 65 {
			b.Fatalf("%d steps, %v", len(res.Steps), err)
		}
	}
}

func closeRepository(tb testing.TB, repo *rivers.CodeRepository) {
	tb.Helper()
	if err := repo.Close(); err != nil {
		tb.Error(err)
	}
}
