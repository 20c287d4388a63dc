package storage

import (
	"errors"
	"fmt"
)

// The kinds of refusals, matched with [errors.Is].
var (
	// ErrNotFound is returned by readers of one record that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrFenced is returned for a batch of a run, or of a backfill, that has ended or has another owner.
	ErrFenced = errors.New("it has ended or has another owner")
	// ErrRunExists is returned where a run ID is already in use.
	ErrRunExists = errors.New("a run of this id exists")
	// ErrBackfillExists is returned where the ID of a backfill is already in use.
	ErrBackfillExists = errors.New("a backfill of this id exists")
	// ErrRunEnded is returned where a run, or a backfill, that has ended is asked to go on.
	ErrRunEnded = errors.New("it has ended")
	// ErrOwned is returned where a run, or a backfill, is claimed that another owner holds.
	ErrOwned = errors.New("it has another owner")
	// ErrPoolTooSmall is returned for a claim of more slots than a pool has.
	ErrPoolTooSmall = errors.New("the pool has fewer slots than are asked for")
	// ErrOutcomeUnknown is returned where a store was lost in the middle of a write and has not yet
	// been back to say what became of it.
	ErrOutcomeUnknown = errors.New("whether the batch was written is not known")
	// ErrClosed is returned by calls on a closed store.
	ErrClosed = errors.New("the store is closed")
)

// SchemaError refuses a store whose schema this program does not read.
type SchemaError struct {
	// Store is the path or URL, without secrets.
	Store string
	// Have is the store's version, MinReader the oldest version that may read it, Want this program's.
	Have, MinReader, Want int
	// InUse says that the store would have been migrated, but for a program that has it open and knows only the old schema.
	InUse bool
}

// Error says which version was found and what to do.
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
