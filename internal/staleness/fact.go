package staleness

import (
	"maps"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// fact is what of a state staleness asks.
type fact struct {
	Seq     int64             `cbor:"1,keyasint,omitempty"`
	Read    int64             `cbor:"2,keyasint,omitempty"`
	Run     storage.RunKey    `cbor:"3,keyasint,omitempty"`
	Version string            `cbor:"4,keyasint,omitempty"`
	Code    string            `cbor:"5,keyasint,omitempty"`
	Inputs  map[string]string `cbor:"6,keyasint,omitempty"`
}

func factOf(s *storage.AssetState) fact {
	return fact{Seq: s.Seq, Read: s.ReadSeq, Run: s.Run, Version: s.DataVersion, Code: s.CodeVersion, Inputs: s.Inputs}
}

// since is from when on what landed was not read.
func (f *fact) since() int64 {
	if f.Read == 0 {
		return f.Seq
	}
	return min(f.Read, f.Seq)
}

// newer reports whether u is data that s has not read. What a run made it reads itself, also where the record
// of it has not landed yet when the reading begins.
func newer(u, s *fact) bool {
	return u.Seq > s.Seq || u.Seq > s.since() && u.Run != s.Run
}

// readBy is the text of the names of the dependencies that were recorded of an asset; mostly it is that of those it has.
func (f *fact) readBy(a *asset) string {
	had, has := 0, 0
	for _, e := range a.ups {
		if e.up == a {
			continue
		}
		if has++; has > len(f.Inputs) {
			break
		}
		if _, ok := f.Inputs[e.up.name]; ok {
			had++
		}
	}
	if had == has && had == len(f.Inputs) {
		return a.deps
	}
	return depsText(slices.Sorted(maps.Keys(f.Inputs)))
}

// piece is the state of some partitions, of which they have no other.
type piece struct {
	fact

	set partition.Set
	// key is the text of the key of a partition that has a state of its own; empty for several, and for an asset
	// without partitions.
	key   string
	group bool
}
