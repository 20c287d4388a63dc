package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rivers-go/rivers/storage"
)

// TestWriterRowsAreKeptFew has a store that deletes its row when it is closed, and the row of one that was killed and
// is deleted by age.
func TestWriterRowsAreKeptFew(t *testing.T) {
	t.Parallel()
	url := Server.URL(t)
	s := opened(t, url)
	if err := s.Commit(t.Context(), &storage.Batch{KV: []storage.KVPair{{Key: "k", Value: []byte("v")}}}); err != nil {
		t.Fatal(err)
	}
	conn, err := s.target.connect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if n := writers(t, conn); n != 1 {
		t.Errorf("%d rows after a commit, want 1", n)
	}
	for _, old := range []string{"INSERT INTO writer VALUES ('killed', 7, 0, 1)", "INSERT INTO writer VALUES ('idle', 7, 0, " + sqlNow + ")"} {
		if _, err := conn.Exec(t.Context(), old); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := writers(t, conn); n != 2 {
		t.Errorf("%d rows after the end, want those of two others", n)
	}
	next := opened(t, url)
	if err := next.Commit(t.Context(), &storage.Batch{KV: []storage.KVPair{{Key: "k", Value: []byte("w")}}}); err != nil {
		t.Fatal(err)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if n := writers(t, conn); n != 1 {
		t.Errorf("%d rows after the next store, want that of the idle one", n)
	}
}

// TestGivenUpBatchIsNotCommitted gives the number of a batch up. The transaction of that batch fails afterwards. The
// question whether a batch was committed gets the same answer twice.
func TestGivenUpBatchIsNotCommitted(t *testing.T) {
	t.Parallel()
	s := opened(t, Server.URL(t))
	defer s.Close()
	conn, err := s.target.connect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	void := func(batch int64) (voided bool) {
		t.Helper()
		rows, err := conn.Query(t.Context(), voidBatch.sql, "w", batch)
		if err != nil {
			t.Fatal(err)
		}
		voided = rows.Next()
		rows.Close()
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return voided
	}
	mark := func(batch int64) error {
		_, err := conn.Exec(t.Context(), markBatch.sql, "w", batch)
		return err
	}
	if err := mark(1); err != nil {
		t.Fatal(err)
	}
	if void(1) {
		t.Error("a committed batch was given up")
	}
	for range 2 { // the answer may be lost as well
		if !void(2) {
			t.Error("a batch that never ended counts as committed")
		}
	}
	if err := mark(2); code(err) != "22012" {
		t.Errorf("a batch that was given up: %v, want a division by zero", err)
	}
	if err := mark(3); err != nil || void(3) {
		t.Errorf("the next batch: %v", err)
	}
	if _, err := conn.Exec(t.Context(), "UPDATE writer SET batch = voided"); code(err) != "23514" {
		t.Errorf("a number that was both committed and given up: %v, want a violated check", err)
	}
}

func writers(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM writer").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func opened(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
