package decide

import (
	"testing"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// A later attempt of a check replaces what an earlier one found of the same partitions.
func TestRejectionsFollowTheLastAttempt(t *testing.T) {
	set := func(numbers ...partition.Ordinal) partition.Set {
		return partition.DynamicSet("keys", func(yield func(partition.Ordinal) bool) {
			for _, n := range numbers {
				if !yield(n) {
					return
				}
			}
		})
	}
	type evaluation struct {
		attempt int32
		of      partition.Set
		state   storage.CheckState
		rejects bool
	}
	passed, failed := storage.CheckSucceeded, storage.CheckFailed
	for _, c := range []struct {
		name  string
		past  []evaluation
		has   bool
		still partition.Set
	}{
		{"nothing was evaluated", nil, false, set()},
		{"all passed", []evaluation{{1, set(1, 2), passed, false}}, false, set()},
		{"one of two, each by itself", []evaluation{{1, set(1), failed, true}, {1, set(2), passed, false}}, true, set(1)},
		{"it passes in a later attempt", []evaluation{{1, set(1, 2), failed, true}, {2, set(1), passed, false}}, true, set(2)},
		{"all pass in a later attempt", []evaluation{{1, set(1, 2), failed, true}, {2, set(1, 2), passed, false}}, false, set()},
		{"another one fails later", []evaluation{{1, set(1), failed, true}, {2, set(1), passed, false}, {2, set(3), failed, true}}, true, set(3)},
		{"it fails, passes and fails", []evaluation{{1, set(1), failed, true}, {2, set(1), passed, false}, {3, set(1), failed, true}}, true, set(1)},
		{"a later attempt crashes", []evaluation{{1, set(1), failed, true}, {2, set(1), storage.CheckExecutionFailed, false}}, true, set(1)},
		{"a later attempt is skipped", []evaluation{{1, set(1), failed, true}, {2, set(1), storage.CheckSkipped, false}}, true, set(1)},
		{"the asset as a whole", []evaluation{{1, partition.Set{}, failed, true}}, true, set()},
		{"the asset as a whole passes later", []evaluation{{1, partition.Set{}, failed, true}, {2, partition.Set{}, passed, false}}, false, set()},
	} {
		var r Rejections
		for _, e := range c.past {
			f := storage.Fact{Step: 3, Attempt: e.attempt}.Evaluated(e.state)
			r.fold(&Event{Fact: f, Partitions: e.of, Rejected: e.rejects})
		}
		if has, still := r.Has(3), r.Partitions(3); has != c.has || !still.Equal(c.still) {
			t.Errorf("%s: rejected %t %v, want %t %v", c.name, has, still, c.has, c.still)
		}
		if r.Has(4) || !r.Partitions(4).IsEmpty() {
			t.Errorf("%s: another check rejects", c.name)
		}
	}
}
