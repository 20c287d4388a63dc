package rivers_test

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
)

// contextProgram tells what a context tells a body while it runs.
func contextProgram(iohandler.Handler) rivers.RepositoryConfig {
	wrote := rivers.NewAsset(rivers.AssetSpec{Name: "wrote"}, func(*rivers.AssetContext, rivers.NoInput) (rivers.Materialization, error) {
		return rivers.Materialization{DataVersion: "v7", Metadata: metadata.Map{"rows": 3}, Tags: map[string]string{"by": "hand"}}, nil
	})
	tell := rivers.NewTask(rivers.TaskSpec{Name: "tell"}, func(ctx *rivers.TaskContext, _ rivers.NoInput) (string, error) {
		return fmt.Sprint(ctx.Asset(), " ", ctx.Metadata()["k"]), nil
	})
	graph := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "graph", Metadata: metadata.Map{"k": "of the graph"}}, func(g *rivers.Graph) rivers.Ref[string] {
		return rivers.Call(g, tell, nil)
	})
	asks := rivers.NewAsset(rivers.AssetSpec{
		Name: "asks", Metadata: metadata.Map{"k": "own"},
		Deps: []rivers.Dep{{On: "n", OrderOnly: true}, {On: "wrote", OrderOnly: true}},
	}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (string, error) {
		var n int
		if err := ctx.Load("n", &n); err != nil {
			return "", err
		}
		run, err := ctx.Storage().GetRun(ctx, ctx.RunID())
		if err != nil {
			return "", err
		}
		_, timed := ctx.Deadline()
		return fmt.Sprint(n, " ", run.ID == ctx.RunID(), " ", ctx.Tags()["who"], " ", ctx.Metadata()["k"], " ", ctx.Err(), " ", timed, " ", ctx.Job() == ""), nil
	})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{number("n", 7), wrote, graph, asks}}
}

func TestContextInARun(t *testing.T) { everyExecutor(t, "context", testContext) }

func testContext(t *testing.T, repo *rivers.CodeRepository) {
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Tags: map[string]string{"who": "me"}}); err != nil {
		t.Fatal(err)
	}
	if got := valueOf[string](t, repo, "asks"); got != "7 true me own <nil> false true" {
		t.Error(got)
	}
	if got := valueOf[string](t, repo, "graph"); got != "graph of the graph" {
		t.Error(got)
	}
	m, err := repo.Assets()["wrote"].(*rivers.SingleAsset[rivers.Materialization]).Load(t.Context(), repo, rivers.LoadOptions{})
	if err != nil || m.DataVersion != "v7" || fmt.Sprint(m.Metadata["rows"], " ", m.Tags["by"]) != "3 hand" {
		t.Errorf("%+v, %v", m, err)
	}
	never := rivers.NewAsset(rivers.AssetSpec{Name: "never"}, func(*rivers.AssetContext, rivers.NoInput) (rivers.Materialization, error) {
		return rivers.Materialization{}, nil
	})
	if m, err = never.Load(t.Context(), resolved(t, rivers.RepositoryConfig{Assets: []rivers.Asset{never}}), rivers.LoadOptions{}); err != nil || m.DataVersion != "" {
		t.Errorf("%+v, %v", m, err)
	}
}
