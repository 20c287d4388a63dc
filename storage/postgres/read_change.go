package postgres

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// againAfter is how soon watchers are woken after entries were held back.
const againAfter = 20 * time.Millisecond

// ListChanges reads the change feed. Several processes write at once, and a smaller number may be
// committed later. An entry is returned once no transaction in progress may add one before it.
// Entries below all names in use are returned at once. For others, the shared locks of all sessions
// that add to the feed tell who may write.
//
//	who holds the lock, with their transactions ─▶ the first name in question ─▶ commits below it
//
// A transaction with a smaller name that the first look misses has ended, and the second look sees
// its writes. So unrelated transactions on the server, which may take hours, delay nothing.
func (s *Store) ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error) {
	const what = "list changes"
	p := db.ListChangesParams{After: q.After, Below: math.MaxInt64, Max: limit(q.Limit)}
	rows, err := readBy(ctx, s, what, (*db.Queries).ListChanges, p)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if last := rows[len(rows)-1]; nameOf(last.Seq, last.SeqOffset) >= last.Settled {
		if rows, err = s.settled(ctx, p, rows); err != nil {
			return nil, err
		}
	}
	list, err := changes(rows)
	if err == nil && q.Limit > 0 && len(rows) == q.Limit {
		list, err = s.sameSeq(ctx, list, &rows[len(rows)-1])
	}
	if err != nil {
		return nil, s.target.explain(what, err)
	}
	return list, nil
}

// ChangeSeq returns the Seq of the last entry up to which the feed is complete. That entry has
// reached the disk with its number. An unused number tells nothing: a server that crashed gives the
// numbers again that had not reached the disk, and later changes would seem to be known.
func (s *Store) ChangeSeq(ctx context.Context) (int64, error) {
	const what = "the last change"
	last, err := readBy(ctx, s, what, (*db.Queries).GetLastChange, math.MaxInt64)
	if err != nil || nameOf(last.Seq, last.SeqOffset) < last.Settled {
		return last.Seq, err
	}
	h, err := read(ctx, s, what, func(_ *db.Queries, ctx context.Context) (horizon, error) { return s.horizon(ctx) })
	if err == nil && nameOf(last.Seq, last.SeqOffset) < h.next { // as for entries, see settled
		last, err = readBy(ctx, s, what, (*db.Queries).GetLastChange, (h.first+last.SeqOffset)<<seqBits)
	}
	return last.Seq, err
}

// settled reads again the entries that no later entry can precede.
func (s *Store) settled(ctx context.Context, p db.ListChangesParams, rows []db.ListChangesRow) ([]db.ListChangesRow, error) {
	const what = "list changes"
	h, err := read(ctx, s, what, func(_ *db.Queries, ctx context.Context) (horizon, error) { return s.horizon(ctx) })
	if err != nil {
		return nil, err
	}
	last := rows[len(rows)-1]
	if nameOf(last.Seq, last.SeqOffset) >= h.next {
		return rows, nil // a name that nobody here had: the store was moved, and nobody has written since
	}
	p.Below = (h.first + last.SeqOffset) << seqBits
	settled, err := readBy(ctx, s, what, (*db.Queries).ListChanges, p)
	if err == nil && len(settled) < len(rows) { // the transactions in between may end without a change
		time.AfterFunc(againAfter, func() { s.signals.Send(storage.TopicChanges) })
	}
	return settled, err
}

// nameOf returns the transaction's name in a number.
func nameOf(seq, offset int64) int64 { return seq>>seqBits - offset }

// sameSeq adds the entries that share the last number.
func (s *Store) sameSeq(ctx context.Context, list []storage.Change, last *db.ListChangesRow) ([]storage.Change, error) {
	rows, err := readBy(ctx, s, "list changes", (*db.Queries).ListChangesOf, db.ListChangesOfParams{Seq: last.Seq, After: last.I})
	if err != nil {
		return nil, err
	}
	more := make([]db.ListChangesRow, len(rows))
	for i, r := range rows {
		more[i] = db.ListChangesRow{Seq: r.Seq, At: r.At, Run: r.Run, I: r.I, Kind: r.Kind, Labels: r.Labels, Assets: r.Assets, Keys: r.Keys}
	}
	rest, err := changes(more)
	return append(list, rest...), err
}

func changes(rows []db.ListChangesRow) ([]storage.Change, error) {
	var list []storage.Change
	for i := range rows {
		r := &rows[i]
		c := storage.Change{
			Seq: r.Seq, At: storage.Micros(r.At), Kind: storage.ChangeKind(r.Kind), Run: storage.RunKey(r.Run), Partitions: partition.Whole(), Keys: r.Keys,
		}
		var err error
		if r.Labels != nil {
			c.Partitions, err = partition.ParseSet(r.Labels)
		}
		if err == nil {
			c.Assets, err = fold.ParseAssets(r.Assets)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// listWriters reads all locks once: one read of pg_locks is consistent, two are not. It shortens
// names to 32 bits.
const listWriters = `SELECT next, xid FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) AS names LEFT JOIN
	(SELECT min(transactionid::text::bigint) FILTER (WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock') AS xid
	FROM pg_locks WHERE granted GROUP BY pid
	HAVING bool_or(locktype = 'advisory' AND classid = $1::bigint::oid AND objid = $2::bigint::oid AND objsubid = 1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))) AS writers ON true`

// horizon tells which transactions may still add to the feed: those from the first name on. next is
// the first unused name.
type horizon struct{ first, next int64 }

func (s *Store) horizon(ctx context.Context) (horizon, error) {
	key := uint64(s.target.feedKey())
	rows, err := s.pool.Query(ctx, listWriters, int64(key>>32), int64(uint32(key)))
	if err != nil {
		return horizon{}, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Next int64
		XID  *int64
	}])
	if err != nil {
		return horizon{}, err
	}
	h := horizon{found[0].Next, found[0].Next} // who has no name yet gets a later one
	for _, w := range found {
		if w.XID != nil {
			h.first = min(h.first, w.Next+int64(int32(uint32(*w.XID)-uint32(w.Next))))
		}
	}
	return h, nil
}
