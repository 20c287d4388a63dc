package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// defaultLimit bounds the lists whose query has no limit.
const defaultLimit = 100

// read asks a question, and asks it again while the server is away.
func read[T any](ctx context.Context, s *Store, what string, ask func(*db.Queries, context.Context) (T, error)) (T, error) {
	var none T
	away := outage{limit: s.target.retryFor}
	for {
		answer, err := ask(s.reads, ctx)
		switch {
		case err == nil:
			return answer, nil
		case s.closed.Load():
			return none, storage.ErrClosed
		case ctx.Err() != nil:
			return none, fmt.Errorf("%s: %w", what, ctx.Err())
		case errors.Is(err, pgx.ErrNoRows):
			return none, fmt.Errorf("%s: %w", what, storage.ErrNotFound)
		case !isGone(err):
			return none, s.target.explain(what, err)
		case !away.wait(ctx) && ctx.Err() == nil:
			return none, s.target.gone(what, err, &away)
		}
	}
}

// readBy is read for a question with parameters.
func readBy[P, T any](ctx context.Context, s *Store, what string, ask func(*db.Queries, context.Context, P) (T, error), p P) (T, error) {
	return read(ctx, s, what, func(q *db.Queries, ctx context.Context) (T, error) { return ask(q, ctx, p) })
}

// planBy is readBy for a question whose best plan depends on its parameters. The server would soon
// use one plan for all of them, made for a limit that it guesses, and walk through the whole
// history for the runs of a job that has few.
func planBy[P, T any](ctx context.Context, s *Store, what string, ask func(*db.Queries, context.Context, P) (T, error), p P) (T, error) {
	return read(ctx, s, what, func(_ *db.Queries, ctx context.Context) (T, error) { return ask(s.lists, ctx, p) })
}

// planned has each question planned anew, for the parameters it has.
type planned struct{ *pgxpool.Pool }

// Query asks through a statement without a name, whose plan is not kept.
func (p planned) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	return p.Pool.Query(ctx, text, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

// limit is a limit where zero means all.
func limit(n int) int64 {
	if n <= 0 {
		return math.MaxInt64
	}
	return int64(n)
}
