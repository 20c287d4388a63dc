package commit_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// Those who commit in a loop share their commits. On one processor it is certain who runs when.
func TestCommitsInALoopAreSharedCount(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const callers, times = 4, 100
	q := commit.NewQueue()
	groups, requests := 0, 0
	var writer, all sync.WaitGroup
	writer.Go(func() {
		for q.Wait() {
			groups++
			requests += len(q.Take().Requests)
			q.Finish()
		}
	})
	for range callers {
		all.Go(func() {
			for range times {
				b := &storage.Batch{KV: []storage.KVPair{{Key: "k", Value: []byte("v")}}}
				if err := q.Commit(t.Context(), commit.Request{Batch: b}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	q.Close()
	writer.Wait()
	if requests != callers*times || groups > requests/2 {
		t.Errorf("%d requests in %d groups, want %d in half as many or fewer", requests, groups, callers*times)
	}
}
