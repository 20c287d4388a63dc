package postgres_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

// restarts are the ways in which a server goes away and comes back.
var restarts = []func(ctx context.Context, server *postgrestest.Server, url string) error{
	func(ctx context.Context, server *postgrestest.Server, _ string) error { // as a service manager does
		return errors.Join(server.Stop(), server.Start(ctx))
	},
	func(ctx context.Context, server *postgrestest.Server, _ string) error { // as a machine does that fails
		return errors.Join(server.Kill(), server.Start(ctx))
	},
	crashOne,
}

// crashOne ends one of our processes of the server, which makes it end all others and recover.
func crashOne(ctx context.Context, _ *postgrestest.Server, url string) error {
	return crash(ctx, url, "application_name = 'rivers' AND state IS NOT NULL")
}

// crash ends one of the server's processes that a condition names, and returns once the server has recovered.
func crash(ctx context.Context, url, which string) error {
	conn, err := pgx.Connect(ctx, plain(url))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var pid int
	for pid == 0 {
		err = conn.QueryRow(ctx, "SELECT coalesce(min(pid), 0) FROM pg_stat_activity WHERE "+which+" AND pid <> pg_backend_pid()").Scan(&pid)
		if err != nil {
			return err
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	// The server is back when it lets somebody in.
	for {
		again, err := pgx.Connect(ctx, plain(url))
		if err == nil {
			return again.Close(ctx)
		}
		if ctx.Err() != nil {
			return err
		}
	}
}

// ownServer starts a server that a test may stop and crash.
func ownServer(t *testing.T, o postgrestest.Options) (server *postgrestest.Server, url string) {
	t.Helper()
	postgres.Server.Server(t) // or say why not
	server, err := postgrestest.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	url = server.URL()
	return server, url
}

// crowd is writers at work on one store: what they were acknowledged is counted.
type crowd struct {
	store *postgres.Store
	asset storage.AssetKey
	stop  context.Context
	acked chan string
}

// runs writes runs one after the other until the end, and returns the first error that reaches it.
func (c *crowd) runs(worker int) error {
	var b storage.Batch
	for i := 0; c.stop.Err() == nil; i++ {
		id := fmt.Sprintf("%d-%d", worker, i)
		if err := loadtest.OneStepRun(c.store, id, c.asset, &b); err != nil {
			return fmt.Errorf("run %s: %w", id, err)
		}
		rec, err := c.store.GetRun(context.Background(), id)
		if err != nil || rec.State != storage.Success {
			return fmt.Errorf("run %s reads as %s, %w", id, rec.State, err)
		}
		c.acked <- id
	}
	return nil
}

// claims takes a run over from itself again and again: each claim grows the token by one, and by no more.
func (c *crowd) claims() error {
	ctx := context.Background()
	b := storage.Batch{Lease: time.Hour, Runs: []storage.RunRecord{{ID: "claimed", Token: 1, Owner: "0", State: storage.Running}}}
	if err := c.store.Commit(ctx, &b); err != nil {
		return err
	}
	for i := int64(1); c.stop.Err() == nil; i++ {
		rec, err := c.store.ClaimRun(ctx, storage.RunClaim{ID: "claimed", Owner: fmt.Sprint(i), Gone: fmt.Sprint(i - 1), Lease: time.Hour})
		if err != nil {
			return fmt.Errorf("claim %d: %w", i, err)
		}
		if rec.Token != i+1 {
			return fmt.Errorf("claim %d got token %d, want %d", i, rec.Token, i+1)
		}
	}
	return nil
}

// TestServerRestarts restarts the server ten times, in three ways, under eight writers and a watcher: none hears of it,
// nothing that was acknowledged is lost, and nothing is done twice.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	server, url := ownServer(t, postgrestest.Options{})
	atWork(t, url, 10, func(i int) error { return restarts[i%len(restarts)](t.Context(), server, url) })
}

// crashes is how often the server of TestStrangersBesideCrashes crashes.
var crashes = flag.Int("crashes", defaultCrashes, "how often the server crashes beside strangers")

// TestStrangersBesideCrashes crashes a server that waits for its disk while other programs write to it. After each crash
// the server gives numbers of transactions again whose WAL it had not written, and strangers take them: no
// commit of theirs is taken for ours.
func TestStrangersBesideCrashes(t *testing.T) {
	t.Parallel()
	_, url := ownServer(t, postgrestest.Options{Fsync: true})
	conn, err := pgx.Connect(t.Context(), plain(url))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE public.stranger (n bigint)"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop, cancel := context.WithCancel(t.Context())
	var strangers sync.WaitGroup
	var written atomic.Int64
	for range 4 {
		strangers.Go(func() { written.Add(stranger(stop, plain(url))) })
	}
	atWork(t, url, *crashes, func(int) error {
		return crash(t.Context(), url, "query LIKE 'INSERT INTO public.stranger%'")
	})
	cancel()
	strangers.Wait()
	if written.Load() == 0 {
		t.Error("no stranger wrote")
	}
}

// stranger writes as another program does, and connects again after each crash, until the end.
func stranger(stop context.Context, url string) (written int64) {
	for stop.Err() == nil {
		conn, err := pgx.Connect(stop, url)
		if err != nil {
			continue
		}
		for err == nil {
			if _, err = conn.Exec(stop, "INSERT INTO public.stranger VALUES (1)"); err == nil {
				written++
			}
		}
		_ = conn.Close(context.WithoutCancel(stop)) // it broke, or the test ends
	}
	return written
}

// atWork has eight writers, one that claims and a watcher at work on one store while its server goes away a number of
// times. Then the store has what was acknowledged, once.
func atWork(t *testing.T, url string, times int, goAway func(i int) error) {
	t.Helper()
	s := open(t, url)
	_, keys := loadtest.NewRun(t, s, "first", 1)
	stop, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &crowd{store: s, asset: keys[0], stop: stop, acked: make(chan string)}
	var ids []string
	gather := func(n int) {
		for range n {
			ids = append(ids, <-c.acked)
		}
	}
	var wg sync.WaitGroup
	failed := make(chan error, 10)
	for w := range 8 {
		wg.Go(func() { failed <- c.runs(w) })
	}
	wg.Go(func() { failed <- c.claims() })
	woken := s.Watch(stop, storage.TopicSlots)
	for i := range times {
		gather(40)
		down := make(chan error, 1)
		go func() { down <- goAway(i) }()
		for back := false; !back; { // writers whose last answers came before it wait for nobody
			select {
			case err := <-down:
				if err != nil {
					t.Fatal(err)
				}
				back = true
			case id := <-c.acked:
				ids = append(ids, id)
			case err := <-failed:
				t.Fatalf("restart %d reached a writer: %v", i, err)
			}
		}
	}
	gather(40)
	cancel()
	go func() { wg.Wait(); close(c.acked) }()
	for id := range c.acked {
		ids = append(ids, id)
	}
	for range 9 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	for range woken { // until it is closed
	}
	loadtest.RequireRuns(t, s, ids)
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("after %d restarts: %v, %q", times, err, found)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestWatchSurvivesARestart has a watcher who hears what another handle writes after the server was away.
func TestWatchSurvivesARestart(t *testing.T) {
	t.Parallel()
	server, url := ownServer(t, postgrestest.Options{})
	s, other := open(t, url), open(t, url)
	defer s.Close()
	defer other.Close()
	woken := s.Watch(t.Context(), storage.TopicSlots)
	for range 2 {
		<-woken // that it listens, which may be because something was missed
		pool := storage.Batch{Pools: []storage.PoolUpdate{{Name: "p", Slots: 1}}}
		if err := other.Commit(t.Context(), &pool); err != nil {
			t.Fatal(err)
		}
		<-woken // what the other wrote
		if err := errors.Join(server.Stop(), server.Start(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}
