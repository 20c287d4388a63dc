package rivers_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

type counts struct{ Users, Events int }

func helloRepository() *rivers.CodeRepository {
	raw := rivers.NewAsset(rivers.AssetSpec{Name: "raw_data"},
		func(*rivers.AssetContext, rivers.NoInput) (counts, error) { return counts{100, 5000}, nil })
	summary := rivers.NewAsset(rivers.AssetSpec{Name: "summary"},
		func(ctx *rivers.AssetContext, in struct{ RawData counts }) (string, error) {
			ctx.Log().Info("summarising", "users", in.RawData.Users)
			return fmt.Sprintf("%d users, %d events", in.RawData.Users, in.RawData.Events), nil
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{raw, summary},
		Jobs:   []rivers.Job{{Name: "pipeline", Assets: []rivers.Node{raw, summary}}},
	})
}

func TestHello(t *testing.T) {
	repo := helloRepository()
	defer closeRepository(t, repo)
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
	if err != nil || res.Status != storage.Success {
		t.Fatalf("%+v, %v", res, err)
	}
	var text string
	if err := repo.LoadNode(t.Context(), "summary", &text, rivers.LoadOptions{}); err != nil || text != "100 users, 5000 events" {
		t.Errorf("summary = %q, %v", text, err)
	}
	job, err := repo.Job("pipeline")
	if err != nil {
		t.Fatal(err)
	}
	if res, err := job.Execute(t.Context(), rivers.ExecuteRequest{}); err != nil || !res.Success() {
		t.Errorf("job: %+v, %v", res, err)
	}
}

func ExampleNewAsset() {
	answer := rivers.NewAsset(rivers.AssetSpec{Name: "answer"},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 42, nil })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{answer}})
	defer func() {
		if err := repo.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	if err := repo.Resolve(context.Background(), memory.New()); err != nil {
		fmt.Println(err)
	}
	res, err := repo.Materialize(context.Background(), rivers.RunRequest{})
	fmt.Println(res.Status, err)
	// Output: success <nil>
}

func closeRepository(tb testing.TB, repo *rivers.CodeRepository) {
	tb.Helper()
	if err := repo.Close(); err != nil {
		tb.Error(err)
	}
}
