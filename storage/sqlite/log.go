package sqlite

import (
	"fmt"
	"os"
)

// The log (the file's -wal) is begun anew by SQLite itself once all of it is in the file and
// nobody reads from it, which one process that writes brings about every few megabytes. Where
// several write without a pause there is no such moment: somebody has always just added something,
// and somebody is always about to move pages. So writers that find the log long stop moving pages
// after every transaction, and now and then one of them tries to empty it while it keeps the
// others out.
const (
	// movesAt is at how many pages a writer begins to move them from the log to the file.
	movesAt = 4000
	// longLog is the size, in bytes, from which on the log is long: twice as much as that.
	longLog = 2 * movesAt * 4096
	// logLooks is after how many transactions a writer looks.
	logLooks = 16
)

// shorten empties the log where it is long. It waits a tenth of a second at most for who writes,
// and as long for who reads an older state: if they take longer, a next look finds a better
// moment, and what was written is as safe in the log.
func (w *writer) shorten() {
	if w.looked++; w.looked < logLooks {
		return
	}
	w.looked = 0
	info, err := os.Stat(w.store.path + "-wal")
	long := err == nil && info.Size() >= longLog
	if long {
		_, _ = w.first(&w.patient, "PRAGMA busy_timeout = 100", 1)
		_, _ = w.first(&w.empty, "PRAGMA wal_checkpoint(TRUNCATE)", 3)
		_, _ = w.first(&w.hasty, "PRAGMA busy_timeout = 0", 1)
	}
	if long == w.long {
		return
	}
	move, at := &w.moveOn, movesAt
	if long {
		move, at = &w.moveOff, 0
	}
	if _, err := w.first(move, fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", at), 1); err == nil {
		w.long = long
	}
}
