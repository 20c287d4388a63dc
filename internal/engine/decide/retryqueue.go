package decide

import (
	"cmp"
	"slices"

	"github.com/rivers-go/rivers/storage"
)

// retryQueue holds the steps that wait for another attempt, by instant, then by step. It is a
// sorted slice: few steps wait at once, and reading what is due must not change anything.
type retryQueue struct {
	waiting []retryEntry
	steps   []int32 // the same order, so that due is a slice of it
}

type retryEntry struct {
	at   storage.Micros
	step int32
}

func (a retryEntry) compare(b retryEntry) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.step, b.step))
}

func (q *retryQueue) add(step int32, at storage.Micros) {
	e := retryEntry{at, step}
	i, _ := slices.BinarySearchFunc(q.waiting, e, retryEntry.compare)
	q.waiting = slices.Insert(q.waiting, i, e)
	q.steps = slices.Insert(q.steps, i, step)
}

func (q *retryQueue) remove(step int32) {
	if i := slices.Index(q.steps, step); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.steps = slices.Delete(q.steps, i, i+1)
	}
}

// due returns the steps whose instant is not after now; the caller must not keep it.
func (q *retryQueue) due(now storage.Micros) []int32 { return q.steps[:q.countDue(now)] }

// after returns the earliest instant after now, zero for none.
func (q *retryQueue) after(now storage.Micros) storage.Micros {
	if i := q.countDue(now); i < len(q.waiting) {
		return q.waiting[i].at
	}
	return 0
}

// countDue returns how many steps are due: they are the first ones of the queue.
func (q *retryQueue) countDue(now storage.Micros) int {
	i, _ := slices.BinarySearchFunc(q.waiting, now+1, func(e retryEntry, at storage.Micros) int { return cmp.Compare(e.at, at) })
	return i
}
