package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// behind opens a store behind a proxy, with times that suit a test.
func behind(t *testing.T, retryFor time.Duration) (*Store, *proxy) {
	t.Helper()
	p, url := newProxy(t, Server.URL(t))
	target, err := parse(url)
	if err != nil {
		t.Fatal(err)
	}
	target.retryFor, target.answer, target.doubt = retryFor, 10*time.Second, 10*time.Millisecond
	s, err := target.openStore(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.set(nil, false)
		if err := s.Close(); err != nil && !errors.Is(err, storage.ErrClosed) {
			t.Error(err)
		}
	})
	return s, p
}

// life is a bit of everything that a store is asked to write, and what it answered.
func life(s storage.Storage) (answers []string, err error) {
	ctx := context.Background()
	note := func(what string, v any, e error) {
		if e != nil && err == nil {
			err = fmt.Errorf("%s: %w", what, e)
		}
		answers = append(answers, fmt.Sprintf("%s: %+v", what, v))
	}
	first := storage.Batch{
		Runs:       []storage.RunRecord{{ID: "r", Token: 1, Owner: "a", State: storage.Running}, {ID: "s", Token: 1}},
		Lease:      time.Hour,
		Topologies: []storage.Topology{{Location: "l", Assets: []string{"x", "y"}, Doc: []byte(`{}`)}},
		Pools:      []storage.PoolUpdate{{Name: "p", Slots: 1}},
	}
	note("runs", len(first.Runs), s.Commit(ctx, &first))
	if err != nil {
		return answers, err
	}
	run := first.Runs[0].Key
	keys, keyErr := s.AssetKeys(ctx, []string{"x", "y"})
	note("keys", len(keys), keyErr)
	claimed, claimErr := s.ClaimRun(ctx, storage.RunClaim{ID: "r", Owner: "b", Gone: "a", Lease: time.Hour})
	note("claim", claimed.Token, claimErr)
	fence := storage.Fence{Run: run, Token: claimed.Token}
	slot := storage.SlotClaim{Fence: fence, Step: 1, Key: "k", Attempt: 1, Pools: []storage.PoolSlots{{Pool: "p", Slots: 1}}, Hold: time.Hour, Wait: time.Hour}
	granted, slotErr := s.ClaimSlots(ctx, slot)
	note("slot", granted, slotErr)
	states, renewErr := s.RenewLeases(ctx, storage.Renewal{Fences: []storage.Fence{fence}, Lease: time.Hour, Slots: time.Hour})
	note("renewal", states, renewErr)
	for n := int64(1); n <= 40 && err == nil; n++ {
		note("append", nil, s.Append(&storage.Batch{
			Fence:  fence,
			Events: []storage.Event{{Run: run, N: n, Asset: keys[n%2]}},
			Assets: []storage.AssetUpdate{{Asset: keys[n%2], Run: run, N: n}},
			Logs:   []storage.LogLine{{Run: run, N: n, Message: "m"}},
		}))
		if n%10 == 0 {
			note("commit", nil, s.Commit(ctx, &storage.Batch{Fence: fence, KV: []storage.KVPair{{Key: fmt.Sprint(n), Value: []byte("v")}}}))
		}
	}
	note("release", nil, s.Commit(ctx, &storage.Batch{Fence: fence, Releases: []storage.SlotRelease{{Run: run, Step: 1}}}))
	note("cancel", nil, s.Commit(ctx, &storage.Batch{Cancels: []storage.CancelRequest{{Run: first.Runs[1].Key, By: "ann"}}}))
	note("end", nil, s.Commit(ctx, &storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{{Run: run, State: storage.Success}}}))
	return answers, err
}

// dump is all that a store has, without keys and instants.
func dump(s storage.Storage) (text string, err error) {
	ctx, b := context.Background(), strings.Builder{}
	runs, err := s.ListRuns(ctx, storage.RunQuery{})
	for _, r := range runs {
		events, eventErr := s.ListEvents(ctx, storage.EventQuery{Run: r.Key})
		lines, lineErr := s.ListLogs(ctx, storage.LogQuery{Run: r.Key})
		err = errors.Join(err, eventErr, lineErr)
		fmt.Fprintf(&b, "run %s %s token %d owner %q canceled %t events", r.ID, r.State, r.Token, r.Owner, r.Cancel != nil)
		for i := range events {
			fmt.Fprintf(&b, " %d", events[i].N)
		}
		fmt.Fprintf(&b, " lines %d\n", len(lines))
	}
	assets, assetErr := s.ListAssets(ctx, storage.AssetQuery{})
	for _, a := range assets {
		fmt.Fprintf(&b, "asset %s at %+v\n", a.Name, a.Materialization.N)
	}
	values, valueErr := s.ListKV(ctx, "")
	pools, poolErr := s.ListPools(ctx)
	slots, slotErr := s.ListSlots(ctx, storage.SlotQuery{})
	fmt.Fprintf(&b, "values %s\npools %+v\nslots %d\n", values, pools, len(slots))
	return b.String(), errors.Join(err, assetErr, valueErr, poolErr, slotErr)
}

// TestCutAnywhere cuts the connections of a store at every message that it sends, one a life: before the server
// has it, and after the server has done what it says. Nobody hears of it, nothing is lost, and nothing is done twice.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	model := memory.New()
	wantAnswers, err := life(model)
	if err != nil {
		t.Fatal(err)
	}
	want, err := dump(model)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]verdict{"lose": lose, "orphan": orphan} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cuts := 0
			for cutAt(t, v, cuts+1, wantAnswers, want) {
				cuts++
			}
			if cuts < 20 {
				t.Errorf("a life has %d messages, more are expected", cuts)
			}
		})
	}
}

// cutAt cuts the connection of a new store at its n-th message, and returns whether a life has so many.
func cutAt(t *testing.T, v verdict, n int, wantAnswers []string, want string) (cut bool) {
	t.Helper()
	s, p := behind(t, time.Minute)
	seen := 0
	p.set(once(v, func([]byte) bool {
		seen++
		cut = seen == n
		return cut
	}), false)
	answers, err := life(s)
	if err != nil {
		t.Fatalf("message %d: %v", n, err)
	}
	if diff := cmp.Diff(wantAnswers, answers); diff != "" {
		t.Fatalf("message %d: answers (-want +got):\n%s", n, diff)
	}
	p.set(nil, false)
	got, err := dump(s)
	if err != nil || got != want {
		t.Fatalf("message %d: %v\n%s", n, err, cmp.Diff(want, got))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return cut
}

// put commits one value under a key.
func put(ctx context.Context, s *Store, key string) error {
	return s.Commit(ctx, &storage.Batch{KV: []storage.KVPair{{Key: key, Value: []byte("v")}}})
}

// values are the keys of all values.
func values(t *testing.T, s *Store) string {
	t.Helper()
	pairs, err := s.ListKV(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, p := range pairs {
		keys = append(keys, p.Key)
	}
	return strings.Join(keys, " ")
}

// TestServerStaysAway has a server that does not come back within the set time.
func TestServerStaysAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v       verdict
		is      func([]byte) bool
		unknown bool
	}{
		"before the transaction": {lose, begins, false},
		"before the commit":      {lose, commits, true},
		"after the commit":       {orphan, commits, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := behind(t, 100*time.Millisecond)
			if err := put(t.Context(), s, "before"); err != nil {
				t.Fatal(err)
			}
			p.set(once(c.v, c.is, func() { p.down = true }), false) // and nobody is let in any more
			err := put(t.Context(), s, "during")
			if err == nil || errors.Is(err, storage.ErrOutcomeUnknown) != c.unknown {
				t.Fatalf("got %v, unknown should be %t", err, c.unknown)
			}
			for _, part := range []string{s.String(), "write: the server has been away for", "start it and try again, or wait longer with retry_for= in the URL"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\nsays nothing of %q", err, part)
				}
			}
			p.set(nil, true)
			if _, err := s.GetKV(t.Context(), "before"); err == nil || !strings.Contains(err.Error(), `value "before": the server has been away for`) {
				t.Errorf("a read says %v", err)
			}
			p.set(nil, false)
			if err := put(t.Context(), s, "after"); err != nil {
				t.Errorf("after its return: %v", err)
			}
		})
	}
}

// TestServerThatBreaksDown has a batch that breaks every connection which carries it: it is tried for as long as the server may be away,
// and no longer, and others go on.
func TestServerThatBreaksDown(t *testing.T) {
	t.Parallel()
	target := mustParse(t, Server.URL(t))
	target.retryFor = 200 * time.Millisecond
	s, err := target.openStore(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn, err := target.connect(t.Context(), `CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
		CREATE TRIGGER poison BEFORE INSERT ON kv FOR EACH ROW WHEN (NEW.key = 'poison') EXECUTE FUNCTION poison()`)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	// Each time the outcome was unknown and was asked for: it is known that nothing was written.
	err = put(t.Context(), s, "poison")
	if err == nil || errors.Is(err, storage.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "write: the server has been away for") {
		t.Fatalf("got %v", err)
	}
	if err := put(t.Context(), s, "next"); err != nil {
		t.Fatal(err)
	}
	if got := values(t, s); got != "next" {
		t.Errorf("the store has %q", got)
	}
}

// TestCloseWhileTheServerIsAway says what was lost.
func TestCloseWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	s, p := behind(t, 50*time.Millisecond)
	b := storage.Batch{Runs: []storage.RunRecord{{ID: "r", Token: 1}}}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	p.set(nil, true)
	fence := storage.Fence{Run: b.Runs[0].Key, Token: 1}
	if err := s.Append(&storage.Batch{Fence: fence, Events: []storage.Event{{Run: fence.Run, N: 1}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "write: the server has been away for") {
		t.Errorf("close says %v, want what was not written", err)
	}
}

// TestContextsEndWhileTheServerIsAway has callers who leave.
func TestContextsEndWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	s, p := behind(t, time.Hour)
	if err := put(t.Context(), s, "before"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.set(once(lose, begins, cancel, func() { p.down = true }), false)
	if err := put(ctx, s, "given up"); !errors.Is(err, context.Canceled) {
		t.Fatalf("a commit that was under way: %v", err)
	}
	p.set(nil, true)
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := put(short, s, "queued"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a commit that came later: %v", err)
	}
	short, cancel = context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.GetKV(short, "before"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a read: %v", err)
	}
	p.set(nil, false)
	if err := put(t.Context(), s, "end"); err != nil {
		t.Fatal(err)
	}
	if got := values(t, s); got != "before end" {
		t.Errorf("the store has %q, want nothing of what was given up", got)
	}
}

// TestContextEndsInDoubt has a caller who leaves while nobody knows what became of its batch: a server that says
// nothing after it was told to commit.
func TestContextEndsInDoubt(t *testing.T) {
	t.Parallel()
	s, p := behind(t, time.Hour)
	b := storage.Batch{Runs: []storage.RunRecord{{ID: "r", Token: 1}}}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	fence := storage.Fence{Run: b.Runs[0].Key, Token: 1}
	ctx, cancel := context.WithCancel(t.Context())
	p.set(once(hush, commits, cancel), false)
	err := s.Commit(ctx, &storage.Batch{Fence: fence, Events: []storage.Event{{Run: fence.Run, N: 1}}})
	if !errors.Is(err, storage.ErrOutcomeUnknown) || errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the outcome unknown", err)
	}
	p.set(nil, true) // the silence ends
	p.set(nil, false)
	if err := put(t.Context(), s, "end"); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(&storage.Batch{Fence: fence, Events: []storage.Event{{Run: fence.Run, N: 2}}}); !errors.Is(err, storage.ErrOutcomeUnknown) {
		t.Errorf("the next call under the fence: %v", err)
	}
	if events, err := s.ListEvents(t.Context(), storage.EventQuery{Run: fence.Run}); err != nil || len(events) != 0 {
		t.Errorf("%d events of a batch that its caller has left before it was written, %v", len(events), err)
	}
}

// TestSilentServer has a server that takes a commit and never answers: it counts as gone after a time, and the
// process that it left in the middle of the transaction is ended.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	p, url := newProxy(t, Server.URL(t))
	target, err := parse(url)
	if err != nil {
		t.Fatal(err)
	}
	target.answer = 300 * time.Millisecond
	s, err := target.openStore(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := storage.Batch{Runs: []storage.RunRecord{{ID: "r", Token: 1}}}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	fence := storage.Fence{Run: b.Runs[0].Key, Token: 1}
	p.set(once(hush, commits), false)
	// The run's row stays locked by the old transaction until that is ended.
	if err := s.Commit(t.Context(), &storage.Batch{Fence: fence, Events: []storage.Event{{Run: fence.Run, N: 1}}}); err != nil {
		t.Fatal(err)
	}
	if events, err := s.ListEvents(t.Context(), storage.EventQuery{Run: fence.Run}); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v, want one", len(events), err)
	}
}

func TestOutageWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, pauses := time.Now(), 0
		o := outage{limit: time.Minute}
		for last := begun; o.wait(t.Context()); pauses++ {
			if pause := time.Since(last); pause > maxPause*3/2 || pause < firstPause/2 && time.Since(begun) < time.Minute {
				t.Errorf("pause %d took %s", pauses, pause)
			}
			last = time.Now()
		}
		if took := time.Since(begun); took != time.Minute || pauses < 30 || pauses > 60 {
			t.Errorf("%d pauses in %s, want about 40 in a minute", pauses, took)
		}
		never := outage{}
		if never.wait(t.Context()) {
			t.Error("no time to wait was waited for")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ended := outage{limit: time.Minute}
		if ended.wait(ctx) || time.Since(begun) > time.Minute {
			t.Error("a context that has ended was waited for")
		}
	})
}
