package decide

// group is a mapped step that has unfolded into instances, which are numbered without a gap.
type group struct {
	step, first, count int32
	left               int32 // instances that have not succeeded
	capacity           int32 // zero: unbounded
	exposed            int32 // instances that are in a lane's ready set or run
	held               indexSet
}
