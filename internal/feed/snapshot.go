package feed

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/fxamacker/cbor/v2"

	"github.com/rivers-go/rivers/storage"
)

// Head begins every stored document. Documents embed it.
type Head struct {
	// Format is that of the consumer, Cursor its cursor when the document was saved.
	Format int   `cbor:"1,keyasint"`
	Cursor int64 `cbor:"2,keyasint"`
}

func (h *Head) head() *Head { return h }

// Document is a pointer to a struct that embeds [Head], encoded as CBOR.
type Document interface{ head() *Head }

// Part is a document of a snapshot that is rewritten only when it changes.
type Part struct {
	Name     string
	Document Document
}

// Parts are the stored parts of a snapshot.
type Parts struct {
	format int
	pairs  []storage.KVPair
}

// Len returns how many parts the store holds, usable or not.
func (p Parts) Len() int { return len(p.pairs) }

// Read decodes a part, and reports whether it is usable: undamaged, and of the consumer's format.
func (p Parts) Read(i int, to Document) bool {
	return decode(p.pairs[i].Value, to, p.format)
}

// decode reports whether a document is usable.
func decode(data []byte, to Document, format int) bool {
	return cbor.Unmarshal(data, to) == nil && to.head().Format == format
}

// IsCurrent reports whether a part is the one that a main document lists. Written has the cursors
// by the names of parts.
func (h *Head) IsCurrent(written map[string]int64, name string) bool {
	at, listed := written[name]
	return listed && h.Cursor >= at
}

func (c *Consumer) mainKey() string    { return c.Name + "/" + c.Location }
func (c *Consumer) partPrefix() string { return c.Name + "-parts/" + strconv.Quote(c.Location) + "/" }
func (c *Consumer) cursorKey() string  { return storage.FeedPrefix + c.Name + "/" + c.Location }

// Open reads the snapshot that was saved last into main, moves the cursor to it, and returns its
// parts. It reports false, and reads no parts, where the store has no usable snapshot; main may
// then hold part of a damaged one.
func (c *Consumer) Open(ctx context.Context, main Document) (Parts, bool, error) {
	data, err := c.Store.GetKV(ctx, c.mainKey())
	if errors.Is(err, storage.ErrNotFound) {
		return Parts{}, false, nil
	}
	if err != nil {
		return Parts{}, false, fmt.Errorf("reading the snapshot: %w", err)
	}
	if !decode(data, main, c.Format) {
		return Parts{}, false, nil
	}
	pairs, err := c.Store.ListKV(ctx, c.partPrefix())
	if err != nil {
		return Parts{}, false, fmt.Errorf("reading the snapshot: %w", err)
	}
	c.cursor = main.head().Cursor
	return Parts{c.Format, pairs}, true, nil
}

// Append adds the writes that save a snapshot to a batch: the parts that changed, the main document
// and the cursor.
func (c *Consumer) Append(b *storage.Batch, main Document, parts []Part) error {
	for _, p := range parts {
		data, err := c.encode(p.Document)
		if err != nil {
			return fmt.Errorf("encoding the snapshot of %q: %w", p.Name, err)
		}
		b.KV = append(b.KV, storage.KVPair{Key: c.partPrefix() + p.Name, Value: data})
	}
	data, err := c.encode(main)
	if err != nil {
		return fmt.Errorf("encoding the snapshot: %w", err)
	}
	b.KV = append(b.KV, storage.KVPair{Key: c.mainKey(), Value: data},
		storage.KVPair{Key: c.cursorKey(), Value: strconv.AppendInt(nil, c.cursor, 10)})
	return nil
}

func (c *Consumer) encode(d Document) ([]byte, error) {
	*d.head() = Head{Format: c.Format, Cursor: c.cursor}
	return cbor.Marshal(d)
}

// Save writes a snapshot in a batch of its own.
func (c *Consumer) Save(ctx context.Context, to Committer, main Document, parts []Part) error {
	var b storage.Batch
	if err := c.Append(&b, main, parts); err != nil {
		return err
	}
	if err := to.Commit(ctx, &b); err != nil {
		return fmt.Errorf("saving the snapshot: %w", err)
	}
	return nil
}
