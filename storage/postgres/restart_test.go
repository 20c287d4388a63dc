package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

// crashOne ends one of the server's processes, which makes it end all others and recover.
func crashOne(ctx context.Context, _ *postgrestest.Server, url string) error {
	conn, err := pgx.Connect(ctx, plain(url))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var pid int
	err = conn.QueryRow(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = 'rivers' AND state IS NOT NULL LIMIT 1").Scan(&pid)
	if err != nil {
		return err
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
	postgres.Server.Server(t) // or say why not
	server, err := postgrestest.Start(t.Context(), postgrestest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	url := server.URL()
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
	for i := range 10 {
		gather(40)
		down := make(chan error, 1)
		go func() { down <- restarts[i%len(restarts)](t.Context(), server, url) }()
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
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestWatchSurvivesARestart has a watcher who hears what another handle writes after the server was away.
func TestWatchSurvivesARestart(t *testing.T) {
	t.Parallel()
	postgres.Server.Server(t) // or say why not
	server, err := postgrestest.Start(t.Context(), postgrestest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	url := server.URL()
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
