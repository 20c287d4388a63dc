package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// partVersions are the data versions of the partitions that a run made of one output: as long as a
// step of the run may read them.
type partVersions struct {
	one    map[string]string
	groups []groupVersion
}

// groupVersion is the version of partitions that were made in one call.
type groupVersion struct {
	set     partition.Set
	version string
}

// rememberVersion keeps the version of what was made for the steps that read it. Called with the
// lock held.
func (r *run) rememberVersion(m *materialization) {
	if m.part.IsZero() {
		r.versions[m.output] = m.version
		r.table.Set(m.output, m.write)
		return
	}
	_, node := r.graph.Output(m.output)
	s, planned := r.plan.StepOf(node)
	read := planned && len(r.plan.Down(s)) > 0
	if read || writes.Own(r.graph.Node(node)) {
		r.table.SetPartitions(m.output, m.part, m.write)
	}
	if !read {
		return
	}
	if r.partVersions == nil {
		r.partVersions = map[int32]*partVersions{}
	}
	v := r.partVersions[m.output]
	if v == nil {
		v = &partVersions{one: map[string]string{}}
		r.partVersions[m.output] = v
	}
	if m.part.Len() == 1 {
		v.one[m.part.Key().String()] = m.version
		return
	}
	v.groups = append(v.groups, groupVersion{m.part.Set(), m.version})
}

// versionsAtOnce is how many versions of partitions are asked for in one query.
const versionsAtOnce = 500

// readVersion returns the data version of what input k of a step reads for some of its partitions:
// that of the one partition it reads, or the fingerprint of those of several; empty where it is not
// known, or landed since the attempt began: it may not be what was read.
func (r *run) readVersion(s int32, k int, v int32, part partition.Slice, since int64) string {
	if r.assignment == nil {
		return ""
	}
	edge, err := r.assignment.Edge(s, k)
	if err != nil {
		return ""
	}
	needs, _ := edge.Upstream(part.Set())
	if needs.IsEmpty() {
		return ""
	}
	out, node := r.graph.Output(v)
	if out.Partitions == nil || r.graph.Node(node).Kind == graph.External { // which is observed as a whole
		return r.versions[v]
	}
	space, err := r.assignment.Space(out.Partitions)
	if err != nil {
		return ""
	}
	of, err := partition.NewSlice(space, needs)
	if err != nil {
		return ""
	}
	var sum Fingerprint
	last := ""
	for keys := range chunked(of, versionsAtOnce) {
		found, err := r.versionsOf(v, space, keys, since)
		if err != nil {
			return ""
		}
		for _, key := range keys {
			last = found[key.String()]
			sum.Add(key, last)
		}
	}
	if of.Len() == 1 {
		return last
	}
	return sum.String()
}

// chunked yields the keys of a slice, some at a time.
func chunked(of partition.Slice, n int) func(yield func([]partition.Key) bool) {
	return func(yield func([]partition.Key) bool) {
		var keys []partition.Key
		for key, err := range of.Keys() {
			if err != nil {
				return
			}
			if keys = append(keys, key); len(keys) == n {
				if !yield(keys) {
					return
				}
				keys = keys[:0]
			}
		}
		if len(keys) > 0 {
			yield(keys)
		}
	}
}

// versionsOf finds the data versions of partitions of an output: those that this run made, else
// those that are stored, unless they landed since the attempt began.
func (r *run) versionsOf(v int32, space partition.Space, keys []partition.Key, since int64) (map[string]string, error) {
	found := make(map[string]string, len(keys))
	var ask []string
	r.mu.Lock()
	made := r.partVersions[v]
	for _, key := range keys {
		text := key.String()
		if made != nil && made.one[text] != "" {
			found[text] = made.one[text]
		} else {
			ask = append(ask, text)
		}
	}
	var groups []groupVersion
	if made != nil {
		groups = made.groups
	}
	r.mu.Unlock()
	asset := r.assetKey(v)
	if len(ask) == 0 || asset == 0 {
		return found, nil
	}
	// The context of the run may have ended, and what was made is recorded all the same.
	states, err := storage.PartitionStates(context.Background(), r.Store, asset, storage.Materialized, space, ask)
	if err != nil {
		return nil, err
	}
	for i := range states {
		found[states[i].Partition] = versionAt(&states[i], since)
	}
	return found, overlay(found, space, ask, groups)
}

// versionAt is the version of a state, unless it landed since.
func versionAt(s *storage.AssetState, since int64) string {
	if s.Seq > since {
		return ""
	}
	return s.DataVersion
}

// overlay adds the versions of partitions that this run made many at once.
func overlay(found map[string]string, space partition.Space, ask []string, own []groupVersion) error {
	if len(own) == 0 {
		return nil
	}
	for _, text := range ask {
		key, err := partition.ParseKey(text)
		if err != nil {
			return err
		}
		set, err := space.Set(key)
		if err != nil {
			return err
		}
		for i := range own {
			if own[i].set.Contains(set) {
				found[text] = own[i].version
			}
		}
	}
	return nil
}

// Fingerprint stands for the data versions of several partitions: the sum, modulo 2^128, of a hash
// of each partition's key and version. It does not depend on their order, and one of them can be
// replaced without knowing the others. The zero value is that of no partitions.
type Fingerprint [2]uint64

// Add adds a partition and its version.
func (f *Fingerprint) Add(key partition.Key, version string) {
	sum := sha256.Sum256([]byte(key.String() + "\x00" + version))
	var carry uint64
	f[1], carry = bits.Add64(f[1], binary.BigEndian.Uint64(sum[8:16]), 0)
	f[0], _ = bits.Add64(f[0], binary.BigEndian.Uint64(sum[:8]), carry)
}

// String returns the fingerprint as 32 hex digits behind "sum:", which no data version of ours
// looks like.
func (f *Fingerprint) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], f[0])
	binary.BigEndian.PutUint64(b[8:], f[1])
	return "sum:" + hex.EncodeToString(b[:])
}
