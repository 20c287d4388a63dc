package feed

import (
	"github.com/rivers-go/rivers/storage"
)

// Landing tells when a state was recorded, by which run, and up to which change its step had read.
type Landing struct {
	// Seq is the number of the change by which the state landed.
	Seq int64 `cbor:"1,keyasint,omitempty"`
	// Read is [storage.Detail.ReadSeq]: the number of the feed when the attempt began. Zero is
	// unknown, and Seq counts.
	Read int64          `cbor:"2,keyasint,omitempty"`
	Run  storage.RunKey `cbor:"3,keyasint,omitempty"`
}

// LandingOf returns the landing of a state.
func LandingOf(s *storage.AssetState) Landing {
	return Landing{Seq: s.Seq, Read: s.ReadSeq, Run: s.Run}
}

// Since returns the number after which the step has read nothing, but for what its own run made.
func (l *Landing) Since() int64 {
	if l.Read == 0 {
		return l.Seq
	}
	return min(l.Read, l.Seq)
}

// Missed reports whether upstream landed without being read:
//
//	seq(upstream) > seq(l), or by another run, seq(upstream) > read(l)
//
// What lands while a step reads counts as unread. A run reads what it made itself, even where the
// record of it lands only after the reading step began: hence the difference between runs.
func (l *Landing) Missed(upstream *Landing) bool {
	return upstream.Seq > l.Seq || upstream.Seq > l.Since() && upstream.Run != l.Run
}
