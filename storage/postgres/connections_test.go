package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
)

// connections counts the server's processes of the store with a name.
func connections(t *testing.T, conn *pgx.Conn, name string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFewConnections has a busy process: eight writers, eight readers, eight watchers.
func TestFewConnections(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	name := schemaOf(url)
	conn := connect(t, plain(url))
	defer conn.Close(t.Context())
	if err := open(t, url).Close(); err != nil { // who makes the tables has a connection for that
		t.Fatal(err)
	}
	s := open(t, with(url, "application_name", name))
	if n := connections(t, conn, name); n != 1 {
		t.Errorf("a store that was opened has %d connections, want one", n)
	}
	loadtest.NewRun(t, s, "r", 1)
	if n := connections(t, conn, name); n != 2 {
		t.Errorf("a store that writes has %d connections, want two", n)
	}
	stop, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var woken <-chan struct{}
	for i := range 8 {
		woken = s.Watch(stop, storage.TopicSlots)
		wg.Go(func() {
			for stop.Err() == nil {
				if err := s.Commit(context.Background(), &storage.Batch{KV: []storage.KVPair{{Key: fmt.Sprint(i), Value: []byte("v")}}}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for stop.Err() == nil {
				if _, err := s.ListRuns(context.Background(), storage.RunQuery{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	<-woken // that it listens
	most := 0
	for range 100 {
		most = max(most, connections(t, conn, name))
	}
	cancel()
	wg.Wait()
	if most > 4 || most < 3 {
		t.Errorf("a busy store has %d connections, want four", most)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	ctx, done := context.WithTimeout(t.Context(), 10*time.Second)
	defer done()
	for connections(t, conn, name) > 0 { // the server's processes end a moment after their connections
		if ctx.Err() != nil {
			t.Fatal("a closed store has connections")
		}
	}
}

// TestNotifiesOnlyOfTopics listens to what a store's transactions tell.
func TestNotifiesOnlyOfTopics(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	s := open(t, url)
	defer s.Close()
	conn := connect(t, url)
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "LISTEN rivers_"+s.ID()); err != nil {
		t.Fatal(err)
	}
	_, keys := loadtest.NewRun(t, s, "first", 1)
	var b storage.Batch
	for i := range 3 { // of the feed of changes it is told at once, and of what follows soon
		if err := loadtest.OneStepRun(s, fmt.Sprint("r", i), keys[0], &b); err != nil {
			t.Fatal(err)
		}
	}
	fence, _ := loadtest.NewRun(t, s, "asked", 1)
	for _, b := range []storage.Batch{
		{Cancels: []storage.CancelRequest{{Run: fence.Run}}},
		{Cancels: []storage.CancelRequest{{Run: fence.Run}}}, // again: nothing
		{Releases: []storage.SlotRelease{{Run: fence.Run}}},  // of nothing: nothing
		{Pools: []storage.PoolUpdate{{Name: "p", Slots: 1}}},
	} {
		if err := s.Commit(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_notify($1, 'end')", "rivers_"+s.ID()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) == 0 || got[len(got)-1] != "end" {
		n, err := conn.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n.Payload)
	}
	changes := fmt.Sprint(storage.TopicChanges)
	var others []string
	for _, payload := range got[1:] {
		if payload != changes {
			others = append(others, payload)
		}
	}
	if want := fmt.Sprintf("[%d %d end]", storage.TopicCancel, storage.TopicSlots); fmt.Sprint(others) != want || got[0] != changes {
		t.Errorf("the store told %v, want %s of changes and %s", got, changes, want)
	}
}
