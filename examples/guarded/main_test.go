package main

import (
	"context"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// The check lets users without a repeated id pass, and mails is made.
func TestGuarded(t *testing.T) {
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := repo.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
	if err != nil || len(res.Steps) != 3 {
		t.Fatal(res, err)
	}
	status, err := repo.CheckStatus(t.Context())
	if err != nil || len(status) != 1 || status[0].Name != "users:unique_ids" || status[0].State != storage.CheckSucceeded {
		t.Errorf("%+v %v", status, err)
	}
}
