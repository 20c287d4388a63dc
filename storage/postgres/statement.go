package postgres

// statement is a statement of the writer. Its parameters and its answer are binary.
type statement struct {
	name, sql string
	// uncounted keeps the statement out of the statistics of writes.
	uncounted bool
}

// sqlNow is the server's clock, in microseconds since 1970.
const sqlNow = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
