package decide

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Rejections is what did not pass the blocking checks of a run, by check step.
type Rejections struct{ by map[int32]*rejection }

// rejection is what one check rejected. A later attempt of the check replaces what an earlier one
// found of the same partitions: it runs after a crash, or after the asset was made again. One
// attempt evaluates each partition once.
type rejection struct {
	attempt int32
	whole   bool          // the last evaluation rejected the asset as a whole
	before  partition.Set // rejected by earlier attempts
	// evaluated and rejected are those of the current attempt; the former only while before has any.
	evaluated, rejected partition.Gather
}

// fold notes an evaluation. One that crashed or was skipped judges nothing, so the one before it
// stands.
func (r *Rejections) fold(e *Event) {
	if state := e.CheckState(); state == storage.CheckExecutionFailed || state == storage.CheckSkipped {
		return
	}
	of := r.by[e.Step]
	if of == nil {
		if !e.Rejected {
			return
		}
		if r.by == nil {
			r.by = map[int32]*rejection{}
		}
		of = &rejection{attempt: e.Attempt}
		r.by[e.Step] = of
	}
	if e.Attempt > of.attempt {
		*of = rejection{attempt: e.Attempt, whole: of.whole, before: of.partitions()}
	}
	if e.Partitions.IsEmpty() {
		of.whole = e.Rejected
		return
	}
	if !of.before.IsEmpty() {
		of.evaluated.Add(e.Partitions)
	}
	if e.Rejected {
		of.rejected.Add(e.Partitions)
	}
}

func (of *rejection) partitions() partition.Set {
	return of.before.Minus(of.evaluated.Set()).Union(of.rejected.Set())
}

// Has reports whether check step s rejected its asset, or partitions of it.
func (r *Rejections) Has(s int32) bool {
	of := r.by[s]
	return of != nil && (of.whole || !of.partitions().IsEmpty())
}

// Partitions returns those that check step s rejected; empty for a check of an asset as a whole.
func (r *Rejections) Partitions(s int32) partition.Set {
	if of := r.by[s]; of != nil {
		return of.partitions()
	}
	return partition.Set{}
}

// Steps yields the check steps that rejected something.
func (r *Rejections) Steps(yield func(s int32) bool) {
	for s := range r.by {
		if r.Has(s) && !yield(s) {
			return
		}
	}
}
