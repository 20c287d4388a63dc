package parquet

import (
	"context"
	"errors"

	"github.com/rivers-go/rivers/iohandler"
)

// Actions returns what else can be done to any value: "list" returns its objects, "delete"
// deletes it, and "compact" writes its file anew in row groups of the size and compression that the
// handler has now, which is worth it for files of many small row groups, such as those of a stream
// of small batches. The rows stay the same, and so does the data version.
func (h *Handler) Actions() []iohandler.Action {
	return append(h.bucket.Actions(extension), iohandler.Action{
		ActionSpec: iohandler.ActionSpec{
			Name: "compact", Description: "Write the file anew in full row groups, with the same rows", Effect: iohandler.MayMaterialize,
		},
		Do: h.compact,
	})
}

func (h *Handler) compact(ctx context.Context, out *iohandler.OutputContext) (iohandler.ActionResult, error) {
	if h.fault != nil {
		return iohandler.ActionResult{}, h.fault
	}
	from, err := h.open(ctx, h.key(out.Name, out.Partition, out.Present))
	if err != nil {
		return iohandler.ActionResult{}, err
	}
	groups := from.file.ParquetReader().NumRowGroups()
	full := int((from.rows + int64(h.groupRows) - 1) / int64(h.groupRows))
	out.AddMetadata("row_groups_before", groups)
	if groups <= max(full, 1) {
		return iohandler.ActionResult{}, from.fault(from.object.Close())
	}
	batches, err := from.stream(ctx)
	if err != nil {
		return iohandler.ActionResult{}, errors.Join(err, from.fault(from.object.Close()))
	}
	if err := h.HandleOutput(ctx, out, batches); err != nil {
		return iohandler.ActionResult{}, err
	}
	out.AddMetadata("row_groups", max(full, 1))
	return iohandler.ActionResult{Did: iohandler.MayMaterialize, SameData: true}, nil
}
