package main

import (
	"context"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage/memory"
)

// The month of the program's own function: its days read their hours, and each the day before.
func TestJanuary(t *testing.T) {
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := repo.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	hours, err := repo.Materialize(t.Context(), rivers.RunRequest{
		Selection: []string{"clicks"}, Range: partition.Range("2026-01-01-00:00", "2026-01-31-23:00"),
	})
	if err != nil || !hours.Success() {
		t.Fatal(hours, err)
	}
	if err := january(t.Context()); err != nil {
		t.Fatal(err)
	}
	last := rivers.LoadOptions{Partition: partition.SingleKey("2026-01-31")}
	if n, err := running.Load(t.Context(), repo, last); err != nil || n != 31*24 {
		t.Errorf("%d clicks until the end of the month, %v, want %d", n, err, 31*24)
	}
	if err := repo.AddPartitions(t.Context(), "shops", "oslo", "rome"); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{
		Selection: []string{"per_shop"}, Range: partition.MultiRange(map[string]partition.KeyRange{"day": partition.Range("2026-01-30", "2026-01-31")}),
	})
	if err != nil || res.Completed != 4 {
		t.Errorf("%+v, %v, want two days of two shops", res, err)
	}
}
