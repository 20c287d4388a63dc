package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// TestCountsOfRunLists asks the common questions about runs with the answers behind a history of successes, and the server
// how many rows it looked at for them.
func TestCountsOfRunLists(t *testing.T) {
	t.Parallel()
	target, s := newStore(t)
	fillHistory(t, s, 5000)
	asked := &lastQuestion{}
	c := target.pool.Copy()
	c.ConnConfig.Tracer = asked
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return target.prepare(ctx, conn, "") }
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "ANALYZE"); err != nil { // as the server does by itself, sooner or later
		t.Fatal(err)
	}
	s.lists = db.New(pgtext.DB{Conn: planned{pool}})
	for _, c := range []struct {
		what       string
		q          storage.RunQuery
		want, most int // runs in the answer, rows looked at
	}{
		{"the newest", storage.RunQuery{}, 100, 100},
		{"without an end", storage.RunQuery{States: []storage.RunState{storage.Queued, storage.NotStarted, storage.Running}}, 5, 5},
		{"running", storage.RunQuery{States: []storage.RunState{storage.Running}}, 2, 5},
		{"failed", storage.RunQuery{States: []storage.RunState{storage.Failure}}, 3, 6},
		{"canceled", storage.RunQuery{States: []storage.RunState{storage.Canceled}}, 1, 2},
		{"whatever is no success", storage.RunQuery{States: []storage.RunState{storage.Failure, storage.Canceled, storage.Queued}}, 7, 16},
		{"of a job", storage.RunQuery{Job: "rare"}, 3, 3},
		{"failed of a job", storage.RunQuery{Job: "rare", States: []storage.RunState{storage.Failure}}, 2, 5},
		{"of a backfill", storage.RunQuery{Backfill: "fill"}, 2, 2},
		{"owned", storage.RunQuery{Owned: true}, 2, 5},
		{"abandoned", storage.RunQuery{Abandoned: true}, 0, 5},
	} {
		list, err := s.ListRuns(t.Context(), c.q)
		if err != nil || len(list) != c.want {
			t.Errorf("%s: %d runs, %v, want %d", c.what, len(list), err, c.want)
		}
		if n, plan := looked(t, pool, asked); n > c.most {
			t.Errorf("%s: %d rows were looked at, want at the most %d:\n%s", c.what, n, c.most, plan)
		}
	}
}

// looked has the last question answered again and returns at how many rows the server looked, and how it went about it.
func looked(t *testing.T, pool *pgxpool.Pool, asked *lastQuestion) (rows int, plan string) {
	t.Helper()
	if len(asked.args) == 0 || asked.args[0] != any(pgx.QueryExecModeCacheDescribe) {
		t.Errorf("the plan of %s is kept, and so is for other parameters", asked.text)
		return 0, ""
	}
	if err := pool.QueryRow(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+asked.text, asked.args...).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	var tops []struct{ Plan planNode }
	if err := json.Unmarshal([]byte(plan), &tops); err != nil {
		t.Fatal(err)
	}
	return tops[0].Plan.looked(), plan
}

// planNode is a step of a plan that was executed.
type planNode struct {
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Actual Rows"`
	Removed  float64    `json:"Rows Removed by Filter"`
	Loops    float64    `json:"Actual Loops"`
	Plans    []planNode `json:"Plans"`
}

// looked is how many rows of tables it looked at, those that a condition then left out included.
func (n *planNode) looked() int {
	sum := 0
	if n.Relation != "" {
		sum = int((n.Rows + n.Removed) * n.Loops)
	}
	for i := range n.Plans {
		sum += n.Plans[i].looked()
	}
	return sum
}

// lastQuestion remembers what was asked last.
type lastQuestion struct {
	text string
	args []any
}

// TraceQueryStart is called before a query is sent.
func (l *lastQuestion) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	l.text, l.args = q.SQL, q.Args
	return ctx
}

// TraceQueryEnd is called behind a query.
func (*lastQuestion) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// fillHistory writes runs of all kinds, and then successes.
func fillHistory(t *testing.T, s *Store, successes int) {
	t.Helper()
	b := storage.Batch{Lease: time.Hour, Runs: []storage.RunRecord{
		{ID: "1", State: storage.Queued},
		{ID: "2", State: storage.Queued, Job: "other"},
		{ID: "3", State: storage.Running, Owner: "a"},
		{ID: "4", State: storage.Running, Owner: "b"},
		{ID: "5", State: storage.Failure, Job: "rare"},
		{ID: "6", State: storage.Failure, Backfill: "fill"},
		{ID: "7", State: storage.Failure, Job: "rare"},
		{ID: "8", State: storage.Canceled},
		{ID: "9", State: storage.Success, Job: "rare"},
		{ID: "10", State: storage.Success, Backfill: "fill"},
	}}
	for i := range successes {
		b.Runs = append(b.Runs, storage.RunRecord{ID: fmt.Sprint("success ", i), State: storage.Success, Job: "other", Backfill: "others"})
	}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
}
