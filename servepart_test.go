package rivers

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
)

// partly is a repository of every kind of definition beside many others.
func partly() *CodeRepository {
	asset := func(s AssetSpec) Asset {
		return NewAsset(s, func(*AssetContext, NoInput) (int, error) { return 0, nil })
	}
	days := partition.Daily(partition.Date(2026, 1, 1))
	c := RepositoryConfig{
		PartitionDefs: map[string]partition.Definition{"days": days},
		Name:          "partly", DefaultRetry: retry.Policy{Max: 1}, Retries: map[string]retry.Policy{"named": {Max: 7}},
		Resources: Resources{"kept": iohandler.Memory()},
		Tasks:     []Node{NewBashTask(BashTaskSpec{Name: "vacuum", Command: "true", Deps: []Dep{{On: "word", OrderOnly: true}}})},
		Jobs:      []Job{{Name: "j", Select: "*", Retry: retry.Named("named")}, {Name: "plain", Select: "*"}},
		Assets: []Asset{
			word().(Asset), asset(AssetSpec{Name: "kept_elsewhere", IOHandler: iohandler.Named("kept")}),
			NewExternalAsset(ExternalAssetSpec{Name: "outside", IOHandler: iohandler.Named("kept")}),
			NewMultiAsset(MultiAssetSpec{Name: "pair"}, func(*AssetContext, struct{ Word string }) (out struct{ X, Y int }, err error) { return out, nil }),
			NewAsset(AssetSpec{Name: "reader", Deps: []Dep{{On: "outside", IOHandler: iohandler.Named("kept")}}},
				func(*AssetContext, struct {
					X, KeptElsewhere, Outside int
					Before                    SelfDependency[int]
				},
				) (int, error) {
					return 0, nil
				}),
			NewGraphAsset(GraphAssetSpec{Name: "g"}, func(g *Graph) Ref[string] {
				each := Map(g, Call(g, letters, Args{"word": Upstream[string](g, "word")}), upper, MapOptions{})
				return Call(g, joined, Args{"letters": each.Collect()})
			}),
			asset(AssetSpec{Name: "days", Partitions: partition.Named("days")}),
			NewAsset(AssetSpec{Name: "per_day", Partitions: days}, func(*AssetContext, struct {
				Days   int
				Before SelfDependency[int]
			},
			) (int, error) {
				return 0, nil
			}),
			NewAsset(AssetSpec{Name: "all_days"}, func(*AssetContext, struct{ PerDay Partitions[int] }) (int, error) { return 0, nil }),
			NewAsset(AssetSpec{Name: "last"}, func(*AssetContext, struct{ G string }) (int, error) { return 0, nil }),
		},
	}
	for i := range 1000 {
		c.Assets = append(c.Assets, asset(AssetSpec{Name: fmt.Sprintf("other_%d", i)}))
	}
	return NewCodeRepository(c)
}

// What a step's process builds is what the whole repository has of that step, and not much more.
func TestAPartIsAsTheWhole(t *testing.T) {
	t.Parallel()
	repo := partly()
	b, err := repo.catalog()
	if err != nil {
		t.Fatal(err)
	}
	for n := range int32(b.Graph().Len()) {
		want := b.Graph().Node(n)
		part, _, err := catalog.Step(repo.catalogConfig(), want.Name, "j")
		if err != nil {
			t.Errorf("%s: %v", want.Name, err)
			continue
		}
		if size := part.Len(); size > 6 {
			t.Errorf("%s: it has %d nodes", want.Name, size)
		}
		at, ok := part.FindNode(want.Name)
		if !ok {
			t.Errorf("%s is not there", want.Name)
			continue
		}
		got := part.Node(at)
		if reads(got) != reads(want) || len(got.Outputs) != len(want.Outputs) || fmt.Sprint(got.Retry) != fmt.Sprint(want.Retry) {
			t.Errorf("%s: %s, want %s", want.Name, reads(got), reads(want))
		}
		if fmt.Sprint(got.Partitions) != fmt.Sprint(want.Partitions) {
			t.Errorf("%s: it has the partitions %v, want %v", want.Name, got.Partitions, want.Partitions)
		}
		for k, v := range b.Graph().From(n) {
			if parts, whole := got.Inputs[k].Parts, want.Inputs[k].Parts; (parts == nil) != (whole == nil) || parts != nil && fmt.Sprint(parts.Mapping) != fmt.Sprint(whole.Mapping) {
				t.Errorf("%s input %d: it reads %+v, want %+v", want.Name, k, parts, whole)
			}
			if v < 0 {
				continue
			}
			there, _ := b.Graph().Output(v)
			here, _ := part.Output(part.From(at)[k])
			if fmt.Sprint(here.Partitions) != fmt.Sprint(there.Partitions) {
				t.Errorf("%s input %d: of the partitions %v, want %v", want.Name, k, here.Partitions, there.Partitions)
			}
			if here.Name != there.Name || here.Handler != there.Handler || here.Type != there.Type || got.Inputs[k].Handler != want.Inputs[k].Handler {
				t.Errorf("%s input %d: %+v, want %+v", want.Name, k, here, there)
			}
		}
	}
}

func TestAPartHasThePolicyOfItsJob(t *testing.T) {
	t.Parallel()
	repo := partly()
	for job, want := range map[string]int{"": 1, "plain": 1, "j": 7} {
		if _, p, err := catalog.Step(repo.catalogConfig(), "word", job); err != nil || p.Max != want {
			t.Errorf("job %q: %+v, %v, want %d retries", job, p, err, want)
		}
	}
	if _, _, err := catalog.Step(repo.catalogConfig(), "word", "gone"); !errors.Is(err, ErrJobNotFound) {
		t.Error(err)
	}
	if _, _, err := catalog.Step(repo.catalogConfig(), "gone/task", ""); !errors.Is(err, ErrAssetNotFound) || !strings.HasPrefix(err.Error(), `step "gone/task": `) {
		t.Error(err)
	}
	broken := NewCodeRepository(RepositoryConfig{Name: "broken", Assets: []Asset{NewAsset(AssetSpec{Name: "a"}, func(*AssetContext, struct{ B int }) (int, error) { return 0, nil })}})
	if _, _, err := catalog.Step(broken.catalogConfig(), "a", ""); !errors.Is(err, ErrDefinition) {
		t.Error(err)
	}
}
