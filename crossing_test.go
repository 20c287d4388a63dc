package rivers_test

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/metadata"
)

// undecided is a handler that panics when it is asked what it can.
type undecided struct{ iohandler.Handler }

func (undecided) CrossesProcesses() bool { panic("who knows") }

// apart makes every step of a repository a process of its own, whose values lie in memory.
func apart(c rivers.RepositoryConfig) rivers.RepositoryConfig {
	c.DefaultExecutor = executor.Subprocess(2)
	return inMemory(c)
}

// inMemory keeps the values of a repository in memory.
func inMemory(c rivers.RepositoryConfig) rivers.RepositoryConfig {
	c.DefaultIOHandler = iohandler.Memory()
	return c
}

// crossingMistakes are repositories whose values do not get from process to process.
func crossingMistakes() map[string]rivers.RepositoryConfig {
	files := blob.New("file://./values", blob.Options{})
	memory := iohandler.Memory()
	inFiles := func(name string) rivers.Asset { return stored(name, files) }
	reads := func(d rivers.Dep) rivers.Asset {
		return rivers.NewAsset(rivers.AssetSpec{Name: "r", IOHandler: files, Deps: []rivers.Dep{d}},
			func(*rivers.AssetContext, struct{ A int }) (int, error) { return 0, nil })
	}
	previous := func(d ...rivers.Dep) rivers.Asset {
		return rivers.NewAsset(rivers.AssetSpec{Name: "p", IOHandler: files, Deps: d},
			func(*rivers.AssetContext, struct{ Before rivers.SelfDependency[int] }) (int, error) { return 0, nil })
	}
	composed := func(s rivers.GraphAssetSpec) rivers.Asset {
		s.Name = "g"
		return rivers.NewGraphAsset(s, manyComposition)
	}
	alone := func(text string) metadata.Map { return metadata.Map{"rivers/executor": text} }
	return map[string]rivers.RepositoryConfig{
		"default handler": apart(assets(number("a", 1), inFiles("b"))),
		"a type that no file holds": {Name: "repo", DefaultExecutor: executor.Subprocess(2), Assets: []rivers.Asset{
			rivers.NewAsset(rivers.AssetSpec{Name: "a"}, func(*rivers.AssetContext, rivers.NoInput) (chan int, error) { return nil, nil }),
		}},
		"given handler":    apart(assets(stored("a", memory))),
		"named handler":    apart(withResource(stored("a", iohandler.Named("cache")), "cache", memory)),
		"memory of a blob": apart(assets(stored("a", blob.New("mem://", blob.Options{})))),
		"undecided":        apart(assets(stored("a", undecided{memory}))),
		"one error for each asset": apart(assets(
			number("a", 1), multiOf[struct{ X, Y int }]("m"), reads(rivers.Dep{On: "a", IOHandler: memory}), composed(rivers.GraphAssetSpec{}))),
		"of several outputs one": apart(assets(rivers.NewMultiAsset(
			rivers.MultiAssetSpec{Name: "m", IOHandler: files, Outputs: []rivers.OutputSpec{{Name: "y", IOHandler: memory}}},
			func(*rivers.AssetContext, rivers.NoInput) (out struct{ X, Y int }, err error) { return out, nil }))),
		"inner values":            apart(assets(composed(rivers.GraphAssetSpec{IOHandler: files, NodeIOHandler: memory}))),
		"the edge":                apart(assets(inFiles("a"), reads(rivers.Dep{On: "a", IOHandler: memory}))),
		"an external asset":       apart(assets(rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "a"}), reads(rivers.Dep{On: "a"}))),
		"the previous value":      apart(assets(previous(rivers.Dep{On: "p", IOHandler: memory}))),
		"made by a goroutine":     apart(assets(rivers.NewAsset(rivers.AssetSpec{Name: "a", Metadata: alone("parallel")}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, nil }), reads(rivers.Dep{On: "a"}))),
		"a task that is read":     apart(rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{reads(rivers.Dep{On: "a"})}, Tasks: []rivers.Node{rivers.NewTask(rivers.TaskSpec{Name: "a"}, func(*rivers.TaskContext, rivers.NoInput) (int, error) { return 0, nil })}}),
		"one asset asks for it":   inMemory(spec(rivers.AssetSpec{Name: "a", Metadata: alone("subprocess")})),
		"tasks are asked for it":  inMemory(assets(composed(rivers.GraphAssetSpec{Metadata: metadata.Map{"rivers/node/executor": "subprocess(3)"}}))),
		"a job":                   inMemory(job(rivers.Job{Name: "nightly", Select: "a", Executor: executor.Subprocess(2)}, number("a", 1), number("b", 2))),
		"a job that says nothing": apart(job(rivers.Job{Name: "nightly", Select: "a"}, number("a", 1))),
	}
}

func withResource(a rivers.Asset, name string, h iohandler.Handler) rivers.RepositoryConfig {
	c := assets(a)
	c.Resources = rivers.Resources{name: h}
	return c
}

// manyComposition maps over a list, with a constant bound to each call.
func manyComposition(g *rivers.Graph) rivers.Ref[int] {
	list := rivers.NewTask(rivers.TaskSpec{Name: "list"}, func(*rivers.TaskContext, rivers.NoInput) ([]rivers.DynamicOutput[int], error) { return nil, nil })
	add := rivers.NewTask(rivers.TaskSpec{Name: "add"}, func(_ *rivers.TaskContext, in struct{ N, To int }) (int, error) { return in.N + in.To, nil })
	sum := rivers.NewTask(rivers.TaskSpec{Name: "sum"}, func(_ *rivers.TaskContext, in struct{ All []int }) (int, error) { return len(in.All), nil })
	each := rivers.Map(g, rivers.Call(g, list, nil), add, rivers.MapOptions{Args: rivers.Args{"to": 1}})
	return rivers.Call(g, sum, rivers.Args{"all": each.Collect()})
}

func TestValuesThatDoNotCross(t *testing.T) {
	requireAnswers(t, "testdata/crossing.txtar", mistakes(t, crossingMistakes()))
}

// What no other process reads need not cross: values that no handler writes, those of tasks that nobody
// reads, constants, elements of a list, and what runs as a goroutine.
func TestValuesThatNeedNotCross(t *testing.T) {
	t.Parallel()
	files := blob.New("file://./values", blob.Options{})
	memory := iohandler.Memory()
	wrote := rivers.NewAsset(rivers.AssetSpec{Name: "wrote"}, func(*rivers.AssetContext, rivers.NoInput) (rivers.Materialization, error) {
		return rivers.Materialization{}, nil
	})
	after := rivers.NewAsset(rivers.AssetSpec{Name: "after", IOHandler: files, Deps: []rivers.Dep{{On: "wrote", OrderOnly: true}, {On: "outside", OrderOnly: true}}},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, nil })
	here := rivers.NewAsset(rivers.AssetSpec{Name: "here", IOHandler: memory, Metadata: metadata.Map{"rivers/executor": "in_process"}},
		func(*rivers.AssetContext, struct{ After int }) (int, error) { return 0, nil })
	bash := rivers.NewBashTask(rivers.BashTaskSpec{Name: "vacuum", Command: "true"})
	last := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "g", IOHandler: files}, manyComposition)
	lonely := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "l", IOHandler: files, NodeIOHandler: memory}, func(g *rivers.Graph) rivers.Ref[int] {
		only := rivers.NewTask(rivers.TaskSpec{Name: "only"}, func(*rivers.TaskContext, struct{ N int }) (int, error) { return 0, nil })
		return rivers.Call(g, only, rivers.Args{"n": 1})
	})
	c := apart(assets(wrote, rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "outside"}), after, here, last, lonely))
	c.Tasks = []rivers.Node{bash}
	c.Jobs = []rivers.Job{
		{Name: "all", Select: "*"},
		{Name: "in memory", Select: "here", AllowIncompleteDeps: true, Executor: executor.Parallel(2)},
	}
	c.Jobs[1].Name = "in_memory"
	if err := rivers.NewCodeRepository(c).Validate(); err != nil {
		t.Error(err)
	}
	if err := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{number("a", 1)}, DefaultExecutor: executor.Subprocess(2),
	}).Validate(); err != nil {
		t.Error(fmt.Errorf("the default handler keeps files: %w", err))
	}
	c = assets(number("a", 1), stored("b", memory))
	c.DefaultExecutor = executor.Parallel(2)
	c.Jobs = []rivers.Job{{Name: "other", Select: "b"}}
	if err := rivers.NewCodeRepository(c).Validate(); err != nil {
		t.Error(fmt.Errorf("nothing has a process of its own: %w", err))
	}
}
