package storage

import (
	"errors"
	"fmt"
)

// The kinds of refusals, matched with [errors.Is].
var (
	// ErrNotFound is returned by readers of one record that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrFenced is returned for a batch of a run, or of a backfill, that has ended or has another
	// owner.
	ErrFenced = errors.New("it has ended or has another owner")
	// ErrRunExists is returned if a run ID is already in use.
	ErrRunExists = errors.New("a run of this id exists")
	// ErrBackfillExists is returned if the ID of a backfill is already in use.
	ErrBackfillExists = errors.New("a backfill of this id exists")
	// ErrRunEnded is returned if a caller claims a run or backfill that has ended.
	ErrRunEnded = errors.New("it has ended")
	// ErrOwned is returned if a caller claims a run or backfill that another owner holds.
	ErrOwned = errors.New("it has another owner")
	// ErrPoolTooSmall is returned for a claim of more slots than a pool has.
	ErrPoolTooSmall = errors.New("the pool has fewer slots than are asked for")
	// ErrOutcomeUnknown is returned if a store was lost during a write and has not yet returned to
	// report its outcome.
	ErrOutcomeUnknown = errors.New("whether the batch was written is not known")
	// ErrClosed is returned by calls on a closed store.
	ErrClosed = errors.New("the store is closed")
)

// SchemaError refuses a store whose schema this program does not know.
type SchemaError struct {
	// Store is the path or URL, without secrets.
	Store string
	// Have is the store's version, MinReader the oldest version that may read it, Want this
	// program's.
	Have, MinReader, Want int
	// InUse means that an older program has the store open, which prevents its migration.
	InUse bool
}

// Error names the version that was found and the remedy.
func (e *SchemaError) Error() string {
	if e.MinReader > e.Want {
		return fmt.Sprintf("store %s: its schema version %d needs a program of version %d or newer, this one has %d: update this program",
			e.Store, e.Have, e.MinReader, e.Want)
	}
	if e.InUse {
		return fmt.Sprintf("store %s: schema version %d, this program needs %d, and an older program has it open: end that one, and this one migrates the store",
			e.Store, e.Have, e.Want)
	}
	return fmt.Sprintf("store %s: schema version %d, this program needs %d: run `rivers db migrate --storage %s`",
		e.Store, e.Have, e.Want, e.Store)
}
