package checkstate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/fxamacker/cbor/v2"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// keptVersion is that of the form in which sets are kept. What has another is not read.
const keptVersion = 1

// kept is what is kept of all checks: the cursor of the feed, and of which checks there are values, by the cursor at which each was
// written. An older one is left from a former definition.
type kept struct {
	Version int              `cbor:"1,keyasint"`
	Cursor  int64            `cbor:"2,keyasint"`
	Checks  map[string]int64 `cbor:"3,keyasint,omitempty"`
}

// keptCheck is what is kept of one.
type keptCheck struct {
	Version  int               `cbor:"1,keyasint"`
	Cursor   int64             `cbor:"2,keyasint"`
	Name     string            `cbor:"3,keyasint"`
	Shape    string            `cbor:"4,keyasint"`
	Is       [outcomes][]byte  `cbor:"5,keyasint,omitempty"`
	Outdated []byte            `cbor:"6,keyasint,omitempty"`
	Read     map[string][]byte `cbor:"7,keyasint,omitempty"`
}

// mainKey is where the cursor is kept, partPrefix begins the keys of checks, and cursorKey has the number of the feed for who
// prunes it.
func (r *reading) mainKey() string { return "verdicts/" + r.Location }

func (r *reading) partPrefix() string { return "verdicts-parts/" + strconv.Quote(r.Location) + "/" }
func (r *reading) cursorKey() string  { return storage.FeedPrefix + "verdicts/" + r.Location }

// shapeOf is a short text of what the sets of a check depend on, the same for those that mean the same.
func shapeOf(s Subject) string {
	doc, err := json.Marshal(partition.Describe(s.Partitions))
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append(doc, strconv.FormatBool(s.External)...))
	return hex.EncodeToString(sum[:8])
}

// load reads what is kept. What is damaged or of another form is as if it was not there.
func (r *reading) load(ctx context.Context) error {
	data, err := r.Store.GetKV(ctx, r.mainKey())
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("reading what is kept of checks: %w", err)
	}
	main := parsed[kept](data)
	if main.Version != keptVersion {
		return nil
	}
	pairs, err := r.Store.ListKV(ctx, r.partPrefix())
	if err != nil {
		return fmt.Errorf("reading what is kept of checks: %w", err)
	}
	byName := make(map[string]*keptCheck, len(pairs))
	for i := range pairs {
		if k := parsed[keptCheck](pairs[i].Value); k.Version == keptVersion {
			byName[k.Name] = &k
		}
	}
	r.cursor = main.Cursor
	for _, c := range r.checks {
		written, listed := main.Checks[c.Check]
		if k := byName[c.Check]; listed && k != nil && k.Shape == c.shape && k.Cursor >= written {
			c.restore(k)
		}
	}
	return nil
}

// parsed reads what is kept; what is damaged is the zero value.
func parsed[T kept | keptCheck](data []byte) T {
	var v, zero T
	if err := cbor.Unmarshal(data, &v); err != nil {
		return zero
	}
	return v
}

func (c *check) restore(k *keptCheck) {
	var p setParser
	for o := range c.is {
		c.is[o] = p.set(k.Is[o])
	}
	c.outdated = p.set(k.Outdated)
	for version, data := range k.Read {
		if c.read == nil {
			c.read = map[string]partition.Set{}
		}
		c.read[version] = p.set(data)
	}
	c.known, c.kept = p.err == nil, k.Cursor
}

// setParser reads sets and keeps the first error.
type setParser struct{ err error }

func (p *setParser) set(data []byte) partition.Set {
	if len(data) == 0 {
		return partition.Set{}
	}
	s, err := partition.ParseSet(data)
	if err != nil {
		p.err = err
	}
	return s
}

func setBytes(s partition.Set) []byte {
	if s.IsEmpty() {
		return nil
	}
	data, _ := s.AppendBinary(nil) // never fails
	return data
}

// save keeps what was found, if the store takes it. It only saves the next one work: whoever may not write reads all the same.
func (r *reading) save(ctx context.Context) {
	to, ok := r.Store.(interface {
		Commit(ctx context.Context, b *storage.Batch) error
	})
	if !ok || !r.changed {
		return
	}
	main := kept{Version: keptVersion, Cursor: r.cursor, Checks: map[string]int64{}}
	var b storage.Batch
	for _, c := range r.checks {
		if !c.dirty {
			main.Checks[c.Check] = c.kept
			continue
		}
		main.Checks[c.Check] = r.cursor
		k := keptCheck{Version: keptVersion, Cursor: r.cursor, Name: c.Check, Shape: c.shape, Outdated: setBytes(c.outdated)}
		for o := range c.is {
			k.Is[o] = setBytes(c.is[o])
		}
		for version, set := range c.read {
			if k.Read == nil {
				k.Read = map[string][]byte{}
			}
			k.Read[version] = setBytes(set)
		}
		data, err := cbor.Marshal(k)
		if err != nil {
			return
		}
		b.KV = append(b.KV, storage.KVPair{Key: r.partPrefix() + c.Check, Value: data})
	}
	data, err := cbor.Marshal(main)
	if err != nil {
		return
	}
	b.KV = append(b.KV, storage.KVPair{Key: r.mainKey(), Value: data}, storage.KVPair{Key: r.cursorKey(), Value: strconv.AppendInt(nil, r.cursor, 10)})
	if err := to.Commit(ctx, &b); err != nil && !errors.Is(err, context.Canceled) {
		slog.DebugContext(ctx, "what checks said of partitions is not kept", "repository", r.Location, "error", err)
	}
}
