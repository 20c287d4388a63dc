package postgres

import "time"

// A transaction whose COMMIT got no answer is decided by a row of our own, see the table writer.
// PostgreSQL cannot be asked by the number of the transaction: after a crash it gives numbers again
// whose WAL had not reached the disk, and answers for the transaction of another client.
var (
	// markBatch is part of every transaction that writes. It fails if the transaction was given up:
	// the division by zero aborts it.
	markBatch = &statement{name: "rivers_mark_batch", sql: `WITH mark AS (
			INSERT INTO writer (id, batch, voided, at) VALUES ($1, $2::bigint, 0, ` + sqlNow + `)
			ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, at = excluded.at
				WHERE writer.batch < excluded.batch AND writer.voided < excluded.batch
			RETURNING 1)
		SELECT 1 / count(*) FROM mark`}
	// voidBatch gives a transaction up and returns a row, or returns none if it was committed. It
	// waits for the end of one in progress. Asked twice it answers the same.
	voidBatch = &statement{name: "rivers_void_batch", uncounted: true, sql: `INSERT INTO writer (id, batch, voided, at)
		VALUES ($1, 0, $2::bigint, ` + sqlNow + `)
		ON CONFLICT (id) DO UPDATE SET voided = excluded.voided, at = excluded.at
			WHERE writer.batch < excluded.voided
		RETURNING 1`}
	// dropMark deletes the row of a store that is closed. It waits for no disk: nothing depends on it.
	dropMark = &statement{name: "rivers_drop_mark", uncounted: true, sql: `DELETE FROM writer WHERE id = $1`}
	noWait   = &statement{name: "rivers_no_wait", uncounted: true, sql: `SET LOCAL synchronous_commit TO off`}
)

// markAge is how long the row of a store stays that was not closed. It is far beyond the time for
// which a writer waits for a server (retry_for).
const markAge = 30 * 24 * time.Hour

// dropOldMarks deletes the rows of writers that were killed long ago.
const dropOldMarks = `DELETE FROM writer WHERE id IN (SELECT id FROM writer WHERE at < ` + sqlNow + ` - $1 FOR UPDATE SKIP LOCKED)`
