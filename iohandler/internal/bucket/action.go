package bucket

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
)

// listed is how many objects the table of a list has at most: the counts are of all.
const listed = 100

// Actions returns what can be done to the objects of any value: list them, delete them. Their
// extension is ext.
func (b *Bucket) Actions(ext string) []iohandler.Action {
	return []iohandler.Action{
		{
			ActionSpec: iohandler.ActionSpec{Name: "list", Description: "List the stored objects, with their sizes"},
			Do: func(ctx context.Context, out *iohandler.OutputContext) (iohandler.ActionResult, error) {
				return b.listValue(ctx, out, ext)
			},
		},
		{
			ActionSpec: iohandler.ActionSpec{
				Name: "delete", Description: "Delete the stored value: the asset, or the partition, is missing then", Effect: iohandler.Forgets,
				Order: iohandler.DownstreamFirst,
			},
			Do: func(ctx context.Context, out *iohandler.OutputContext) (iohandler.ActionResult, error) {
				key := b.Key(out.Name, out.Partition.Key(), out.Present, ext)
				if err := b.Delete(ctx, key); err != nil {
					return iohandler.ActionResult{}, err
				}
				return iohandler.ActionResult{Did: iohandler.Forgets, Metadata: metadata.Map{"path": metadata.Path(b.URL(key))}}, nil
			},
		},
	}
}

// listValue returns the objects of a value: those of the partition that is asked for, else those of
// the asset as a whole and of all its partitions. Older writes in an object store are among them.
func (b *Bucket) listValue(ctx context.Context, out *iohandler.OutputContext, ext string) (iohandler.ActionResult, error) {
	var objects, size int64
	var newest time.Time
	var rows [][]any
	take := func(e Entry) error { //nolint:unparam // as List wants it
		objects++
		size += e.Size
		if e.ModTime.After(newest) {
			newest = e.ModTime
		}
		if len(rows) < listed {
			rows = append(rows, []any{b.URL(e.Key), e.Size, e.ModTime.UTC().Format(time.RFC3339)})
		}
		return nil
	}
	own := b.Key(out.Name, out.Partition.Key(), "", ext)
	stem := strings.TrimSuffix(own, ext)
	err := b.List(ctx, stem, func(e Entry) error {
		if plain, _ := cutWrite(e.Key); plain != own {
			return nil
		}
		return take(e)
	})
	if out.Partition.IsZero() {
		err = errors.Join(err, b.List(ctx, stem+"/", take))
	}
	if err != nil {
		return iohandler.ActionResult{}, err
	}
	m := metadata.Map{"objects": objects, "size_bytes": metadata.Size(size)}
	if objects > 0 {
		m["newest"] = newest
		m["list"] = metadata.Table([]metadata.Column{{Name: "object", Type: "path"}, {Name: "size_bytes", Type: "int"}, {Name: "written", Type: "time"}}, rows)
	}
	return iohandler.ActionResult{Metadata: m}, nil
}
