package rivers_test

import (
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// judged is a repository of an asset "users", a task "fetch", a daily asset "days", and one check.
func judged(s rivers.CheckSpec) rivers.RepositoryConfig { return judgedBy[rivers.NoInput](s) }

func judgedBy[In any](s rivers.CheckSpec, more ...*rivers.Check) rivers.RepositoryConfig {
	value := func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil }
	return rivers.RepositoryConfig{
		Name: "repo",
		Assets: []rivers.Asset{
			rivers.NewAsset(rivers.AssetSpec{Name: "users"}, value),
			rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: partition.Daily(partition.Date(2026, 1, 1))}, value),
			rivers.NewAsset(rivers.AssetSpec{Name: "mails"}, func(*rivers.AssetContext, struct{ Users int }) (int, error) { return 1, nil }),
		},
		Tasks: []rivers.Node{rivers.NewTask(rivers.TaskSpec{Name: "fetch"}, func(*rivers.TaskContext, rivers.NoInput) (int, error) { return 1, nil })},
		Checks: append([]*rivers.Check{
			rivers.NewCheck(s, func(*rivers.CheckContext, In) (rivers.CheckResult, error) { return rivers.CheckResult{}, nil }),
		}, more...),
	}
}

func TestCheckDefinitionMistakes(t *testing.T) {
	hourly := partition.Hourly(partition.Date(2026, 1, 1))
	ok := rivers.CheckSpec{Name: "unique", Asset: "users"}
	same := rivers.NewCheck(ok, func(*rivers.CheckContext, rivers.NoInput) (rivers.CheckResult, error) {
		return rivers.CheckResult{}, nil
	})
	noFunction := judged(ok)
	noFunction.Checks = []*rivers.Check{rivers.NewCheck[rivers.NoInput](ok, nil), nil}
	got := map[string]string{}
	for name, c := range map[string]rivers.RepositoryConfig{
		"no name":                      judged(rivers.CheckSpec{Asset: "users"}),
		"a name that is none":          judged(rivers.CheckSpec{Name: "no spaces", Asset: "users"}),
		"no asset":                     judged(rivers.CheckSpec{Name: "unique"}),
		"misspelt asset":               judged(rivers.CheckSpec{Name: "unique", Asset: "user"}),
		"a task":                       judged(rivers.CheckSpec{Name: "unique", Asset: "fetch"}),
		"listed twice":                 func() rivers.RepositoryConfig { c := judged(ok); c.Checks = append(c.Checks, c.Checks[0]); return c }(),
		"two of one name":              judgedBy[rivers.NoInput](ok, same),
		"no function, and nil":         noFunction,
		"wrong type of its asset":      judgedBy[struct{ Users string }](ok),
		"unknown field":                judgedBy[struct{ Usrs int }](ok),
		"later without blocking":       judged(rivers.CheckSpec{Name: "unique", Asset: "users", BlockLater: true}),
		"partitions of none":           judged(rivers.CheckSpec{Name: "unique", Asset: "users", Partitions: hourly}),
		"other partitions":             judged(rivers.CheckSpec{Name: "unique", Asset: "days", Partitions: hourly}),
		"one field for all partitions": judgedBy[struct{ Days int }](rivers.CheckSpec{Name: "unique", Asset: "days"}),
		"a cycle through a gate":       judgedBy[struct{ Users, Mails int }](rivers.CheckSpec{Name: "unique", Asset: "users", Blocking: true}),
		"a negative timeout":           judged(rivers.CheckSpec{Name: "unique", Asset: "users", Timeout: -1}),
	} {
		err := rivers.NewCodeRepository(c).Validate()
		if err == nil {
			t.Errorf("%s: it is valid", name)
			continue
		}
		got[name] = inner.ReplaceAllString(leading.ReplaceAllString(err.Error(), ""), "FILE")
	}
	requireAnswers(t, "testdata/checks.txtar", got)
}

func TestCheckRequestMistakes(t *testing.T) {
	repo := rivers.NewCodeRepository(judged(rivers.CheckSpec{Name: "unique", Asset: "users"}))
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = repo.Close() }()
	got := map[string]string{}
	for name, req := range map[string]rivers.RunRequest{
		"a mode that is none":     {Checks: "nonne"},
		"a check that is none":    {CheckNames: []string{"users:uniqe"}},
		"an asset for a check":    {CheckNames: []string{"users"}},
		"none and some":           {Checks: storage.ChecksNone, CheckNames: []string{"users:unique"}},
		"only, and there is none": {Selection: []string{"mails"}, Checks: storage.ChecksOnly},
	} {
		_, err := repo.Materialize(t.Context(), req)
		if err == nil {
			t.Errorf("%s: it ran", name)
			continue
		}
		got[name] = err.Error()
	}
	requireAnswers(t, "testdata/checkrequests.txtar", got)
}
