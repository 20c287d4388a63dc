package engine

import (
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
)

// Parts is what a run knows of the partitions of its steps.
type Parts struct{ p *parts }

// NewParts returns those of a run that begins.
func NewParts(p *plan.Plan, cut *plan.Cut) Parts { return Parts{newParts(&Config{Plan: p, Cut: cut})} }

// Divided reports whether a step has partitions.
func (p Parts) Divided(s int32) bool { return p.p.divided(s) }

// Make notes that a step made partitions.
func (p Parts) Make(s int32, set partition.Set) { p.p.made[s].Add(set) }

// Left returns what of a step is to be made now.
func (p Parts) Left(s int32) (partition.Set, error) {
	left, _, err := p.p.left(s)
	return left, err
}

// Lost returns what a step that ended has not made.
func (p Parts) Lost(s int32) partition.Set { return p.p.lost[s] }

// NothingLeft reports whether all of a step reads what was not made, and the step to blame.
func (p Parts) NothingLeft(s int32) (int32, bool) { return p.p.nothingLeft(s) }

// GiveUp notes what a step that has its outcome has not made.
func (p Parts) GiveUp(s int32) { p.p.giveUp(s) }
