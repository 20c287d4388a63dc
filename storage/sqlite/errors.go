package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// code returns SQLite's primary result code, zero for an error that is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return lib.SQLITE_OK
	}
	return e.Code() & 0xff
}

func isBusy(err error) bool {
	c := code(err)
	return c == lib.SQLITE_BUSY || c == lib.SQLITE_LOCKED
}

// explain adds the store, the operation and a remedy to an error. A nil error stays nil.
func explain(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	switch code(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		// Not wrapped: SQLite's text "locked" does not help to find the holder.
		return fmt.Errorf("store %s: %s: another process has been writing for over %s: end it (fuser %s shows it) and try again",
			path, doing, busyFor, path)
	case lib.SQLITE_NOTADB:
		return fmt.Errorf("store %s: the file is not a SQLite database: give another path, or move it away to begin a new store", path)
	case lib.SQLITE_CORRUPT:
		return fmt.Errorf("store %s: %s: the file is damaged: put a copy in its place, or move it away to begin a new store: %w", path, doing, err)
	case lib.SQLITE_FULL:
		return fmt.Errorf("store %s: %s: the disk is full: free some space and try again: %w", path, doing, err)
	case lib.SQLITE_IOERR:
		return fmt.Errorf("store %s: %s: the disk is full or failing, or the file is on a network share, where SQLite does not work: %w", path, doing, err)
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return fmt.Errorf("store %s: %s: this user must be able to write to the file and its directory: %w", path, doing, err)
	}
	return fmt.Errorf("store %s: %s: %w", path, doing, err)
}
