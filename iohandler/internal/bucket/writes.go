package bucket

import (
	"context"
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// Writes calls f with each object that has a write, of the value of a name and of what lies below
// it.
func (b *Bucket) Writes(ctx context.Context, name, ext string, f func(iohandler.StoredWrite) error) error {
	at, err := b.store(ctx)
	if err != nil {
		return err
	}
	stem := strings.TrimSuffix(b.Key(name, partition.Key{}, "", ext), ext)
	err = at.Writes(ctx, stem, func(e Entry) error {
		plain, write := cutWrite(e.Key)
		rest := strings.TrimPrefix(e.Key, stem)
		if write == "" || !strings.HasSuffix(plain, ext) || rest == "" || rest[0] != '~' && rest[0] != '/' {
			return nil
		}
		return f(iohandler.StoredWrite{Value: plain, Location: e.Key, Write: write, Size: e.Size, Written: e.ModTime})
	})
	if err != nil {
		return fmt.Errorf("list %s: %w", b.URL(stem), err)
	}
	return nil
}

// Writes lists those of the tree of writes.
func (d *disk) Writes(ctx context.Context, prefix string, f func(Entry) error) error {
	return d.walk(ctx, writesDir+"/"+prefix, func(e Entry) error {
		e.Key = strings.TrimPrefix(e.Key, writesDir+"/")
		return f(e)
	})
}
