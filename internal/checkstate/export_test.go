package checkstate

import "context"

// ReadTiny is [Read] by small steps: one page, one key, one change at a time.
func ReadTiny(ctx context.Context, p Params) ([]Results, error) {
	return read(ctx, p, limits{keys: 1, page: 2, changes: 1})
}
