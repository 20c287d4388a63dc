package storage

// Batch is one write: a slice a table, all or nothing. Order holds within a slice; tables are
// written in the order of the fields. The store copies what it keeps: the caller may reuse the
// slices once the call returned, but not the bytes and maps they point to. The zero value writes nothing.
type Batch struct {
	// Fence guards records of a run; the zero fence guards nothing.
	Fence Fence
	// Expect must hold when the batch is applied, else nothing of it is.
	Expect []Expectation

	// Runs are new runs. Commit fills in their keys.
	Runs []RunRecord
	// RunUpdates change states of the fenced run.
	RunUpdates []RunUpdate
	Events     []Event
	Assets     []AssetUpdate
	Logs       []LogLine
	KV         []KVPair
	Topologies []Topology
}

// Empty reports whether the batch would write nothing.
func (b *Batch) Empty() bool {
	return len(b.Runs) == 0 && len(b.RunUpdates) == 0 && len(b.Events) == 0 && len(b.Assets) == 0 &&
		len(b.Logs) == 0 && len(b.KV) == 0 && len(b.Topologies) == 0
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	*b = Batch{
		Expect: b.Expect[:0], Runs: b.Runs[:0], RunUpdates: b.RunUpdates[:0], Events: b.Events[:0],
		Assets: b.Assets[:0], Logs: b.Logs[:0], KV: b.KV[:0], Topologies: b.Topologies[:0],
	}
}

// Fence guards the records of a run: a batch is refused with [ErrFenced] unless the run is
// recorded, has this token and has not ended. The zero value guards nothing.
type Fence struct {
	Run   RunKey
	Token int64
}

// Expectation is a fact that must hold when a batch is applied.
type Expectation struct {
	// NoRun is a run ID that must not be recorded yet; otherwise Commit returns [ErrRunExists].
	NoRun string
}

// KVPair is a small value under a name. A nil Value deletes.
type KVPair struct {
	Key   string
	Value []byte
}
