package rivers_test

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// judgedText are the partitions by what a check says of them.
func judgedText(t *testing.T, repo *rivers.CodeRepository) string {
	t.Helper()
	status, err := repo.CheckStatus(t.Context())
	if err != nil || len(status) != 1 {
		t.Fatal(status, err)
	}
	s := &status[0]
	p := s.Partitions
	if s.Outdated != (p.Outdated.Count > 0) {
		t.Errorf("outdated: %v, and %d partitions are", s.Outdated, p.Outdated.Count)
	}
	text := s.State.String()
	for _, of := range []struct {
		rivers.PartitionCount

		word string
	}{
		{p.Passed, "passed"}, {p.Warned, "warned"}, {p.Failed, "failed"}, {p.Crashed, "crashed"}, {p.Skipped, "skipped"}, {p.Unchecked, "unchecked"}, {p.Outdated, "outdated"},
	} {
		if of.Count == 0 {
			continue
		}
		slice, err := partition.NewSlice(p.Space, of.Partitions)
		if err != nil || slice.Len() != of.Count {
			t.Errorf("%s: %d of %s (%v)", of.word, of.Count, slice, err)
		}
		text += fmt.Sprintf(", %s %s", of.word, slice)
	}
	return text
}

// What a check says of each partition, and of which it is about something else by now.
func TestCheckStatusOfPartitions(t *testing.T) {
	letters := partition.Static("a", "b", "c", "d", "e")
	data, says := map[string]string{"a": "1", "b": "1", "c": "1", "d": "1"}, map[string]rivers.CheckResult{}
	asset := rivers.NewAsset(rivers.AssetSpec{Name: "letters", Partitions: letters},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (rivers.Output[string], error) {
			version := data[ctx.Partition().Key().String()]
			return rivers.Output[string]{Value: version, DataVersion: version}, nil
		})
	check := rivers.NewCheck(rivers.CheckSpec{Name: "good", Asset: "letters", Partitions: letters},
		func(ctx *rivers.CheckContext, _ rivers.NoInput) (rivers.CheckResult, error) {
			said, known := says[ctx.Partition().Key().String()]
			if !known {
				return said, fmt.Errorf("nobody knows %s", ctx.Partition())
			}
			return said, nil
		})
	repo := resolved(t, rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{asset}, Checks: []*rivers.Check{check}})
	passed := rivers.CheckResult{Passed: true}
	run := func(from, to string, mode storage.CheckMode) {
		t.Helper()
		if res, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range(from, to), Checks: mode}); res == nil {
			t.Fatal(err)
		}
	}
	require := func(want string) {
		t.Helper()
		if got := judgedText(t, repo); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	require("unknown, unchecked a..e")
	says = map[string]rivers.CheckResult{"a": passed, "b": {Severity: rivers.SeverityWarn}}
	run("a", "b", storage.ChecksOfMade)
	require("failed, passed a, warned b, unchecked c..e")
	says = map[string]rivers.CheckResult{"c": {}}
	run("c", "d", storage.ChecksOfMade)
	require("execution_failed, passed a, warned b, failed c, crashed d, unchecked e")
	run("a", "c", storage.ChecksNone) // the same data again
	require("execution_failed, passed a, warned b, failed c, crashed d, unchecked e")
	data["b"], data["c"] = "2", "2"
	run("b", "c", storage.ChecksNone)
	require("execution_failed, passed a, warned b, failed c, crashed d, unchecked e, outdated b..c")
	run("d", "d", storage.ChecksNone) // what crashed knows no version
	require("execution_failed, passed a, warned b, failed c, crashed d, unchecked e, outdated b..d")
	says = map[string]rivers.CheckResult{"b": passed, "c": passed, "d": passed}
	run("b", "d", storage.ChecksOnly)
	require("succeeded, passed a..d, unchecked e")
}
