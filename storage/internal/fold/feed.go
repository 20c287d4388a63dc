package fold

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Feed combines the changes of a transaction into one entry for each kind, run and set of
// partitions. A run of ten thousand assets without partitions has one entry. The zero value is
// empty.
type Feed struct {
	subjects []subject
	index    map[topic]int
	last     int // the one that was added to last, as it nearly always is again
	keys     []storage.Change
	list     []storage.Change // what was answered last
}

// keptSubjects is how many subjects' memory is kept for the next transaction.
const keptSubjects = 64

// topic is what the assets of an entry have in common, beside the set.
type topic struct {
	kind storage.ChangeKind
	run  storage.RunKey
}

// subject has the changes of a topic.
type subject struct {
	topic

	at          storage.Micros
	whole       []storage.AssetKey
	partitioned []storage.AssetKey // in the order in which they came
	sets        map[storage.AssetKey][]partition.Set
}

// Empty reports whether there is no change.
func (f *Feed) Empty() bool { return len(f.subjects) == 0 && len(f.keys) == 0 }

// Reset forgets the changes and keeps the memory.
func (f *Feed) Reset() {
	clear(f.index)
	clear(f.keys)
	f.subjects, f.keys = f.subjects[:0], f.keys[:0]
	if cap(f.subjects) > keptSubjects {
		f.subjects, f.list = nil, nil
	}
}

// Whole adds a change of an asset without partitions.
func (f *Feed) Whole(kind storage.ChangeKind, run storage.RunKey, at storage.Micros, asset storage.AssetKey) {
	s := f.subject(topic{kind, run}, at)
	s.whole = append(s.whole, asset)
}

// Partitions adds a change of partitions of an asset.
func (f *Feed) Partitions(kind storage.ChangeKind, run storage.RunKey, at storage.Micros, asset storage.AssetKey, set partition.Set) {
	s := f.subject(topic{kind, run}, at)
	if s.sets == nil {
		s.sets = map[storage.AssetKey][]partition.Set{}
	}
	sets, known := s.sets[asset]
	if !known {
		s.partitioned = append(s.partitioned, asset)
	}
	s.sets[asset] = append(sets, set)
}

// Keys adds a change of a table of keys.
func (f *Feed) Keys(table string, at storage.Micros, set partition.Set) {
	f.keys = append(f.keys, storage.Change{At: at, Kind: storage.ChangeKeys, Partitions: set, Keys: table})
}

func (f *Feed) subject(t topic, at storage.Micros) *subject {
	if len(f.subjects) == 0 || f.subjects[f.last].topic != t {
		f.last = f.find(t)
	}
	s := &f.subjects[f.last]
	s.at = max(s.at, at)
	return s
}

// find returns the index of a topic, a new one where it is new.
func (f *Feed) find(t topic) int {
	if i, known := f.index[t]; known {
		return i
	}
	if f.index == nil {
		f.index = map[topic]int{}
	}
	n := len(f.subjects)
	f.index[t] = n
	if n < cap(f.subjects) { // its slices may have memory from before
		f.subjects = f.subjects[:n+1]
		s := &f.subjects[n]
		clear(s.sets)
		*s = subject{topic: t, whole: s.whole[:0], partitioned: s.partitioned[:0], sets: s.sets}
	} else {
		f.subjects = append(f.subjects, subject{topic: t})
	}
	return n
}

// Entries returns the entries, without a Seq. They are valid until the next change is added.
func (f *Feed) Entries() []storage.Change {
	clear(f.list)
	f.list = f.list[:0]
	for i := range f.subjects {
		f.list = f.subjects[i].entries(f.list)
	}
	f.list = append(f.list, f.keys...)
	return f.list
}

func (s *subject) entries(list []storage.Change) []storage.Change {
	entry := storage.Change{At: s.at, Kind: s.kind, Run: s.run}
	if len(s.whole) > 0 {
		slices.Sort(s.whole)
		entry.Assets, entry.Partitions = slices.Compact(s.whole), partition.Whole()
		list = append(list, entry)
	}
	slices.Sort(s.partitioned)
	if len(s.partitioned) == 1 {
		entry.Partitions, entry.Assets = Union(s.sets[s.partitioned[0]]), s.partitioned
		return append(list, entry)
	}
	var known map[string]int // by the bytes of the set, which are the same for equal sets
	for _, asset := range s.partitioned {
		entry.Partitions = Union(s.sets[asset])
		data, _ := entry.Partitions.AppendBinary(nil) // never fails
		if at, there := known[string(data)]; there {
			list[at].Assets = append(list[at].Assets, asset)
			continue
		}
		if known == nil {
			known = make(map[string]int, len(s.partitioned))
		}
		known[string(data)] = len(list)
		entry.Assets = []storage.AssetKey{asset}
		list = append(list, entry)
	}
	return list
}

// AppendAssets appends the keys, which are in their order, as varints: each less the one before.
func AppendAssets(dst []byte, assets []storage.AssetKey) []byte {
	before := storage.AssetKey(0)
	for _, asset := range assets {
		dst = binary.AppendUvarint(dst, uint64(asset-before))
		before = asset
	}
	return dst
}

// ParseAssets reads what [AppendAssets] wrote.
func ParseAssets(data []byte) ([]storage.AssetKey, error) {
	var assets []storage.AssetKey
	before := storage.AssetKey(0)
	for len(data) > 0 {
		more, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, errors.New("stored keys of assets: a number is damaged")
		}
		before += storage.AssetKey(more)
		assets, data = append(assets, before), data[n:]
	}
	return assets, nil
}
