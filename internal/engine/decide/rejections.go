package decide

import "github.com/rivers-go/rivers/partition"

// Rejections is what did not pass the blocking checks of a run, by check step.
type Rejections struct{ by map[int32]*partition.Gather }

// fold notes an evaluation that did not pass.
func (r *Rejections) fold(e *Event) {
	if r.by == nil {
		r.by = map[int32]*partition.Gather{}
	}
	if r.by[e.Step] == nil {
		r.by[e.Step] = &partition.Gather{}
	}
	r.by[e.Step].Add(e.Partitions)
}

// Has reports whether check step s rejected its asset, or partitions of it.
func (r *Rejections) Has(s int32) bool { return r.by[s] != nil }

// Partitions returns those that check step s rejected; empty for a check of an asset as a whole.
func (r *Rejections) Partitions(s int32) partition.Set {
	if r.by[s] == nil {
		return partition.Set{}
	}
	return r.by[s].Set()
}
