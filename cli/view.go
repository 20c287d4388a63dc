package cli

import (
	"context"
	"errors"
	"time"

	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// withView calls f with the definitions that commands look at and their records. Those are the
// program's own definitions, or all that a store has. A program without a store has no records yet.
func (a *app) withView(ctx context.Context, f func(v *view.View) error) error {
	look := func(s storage.Reader) error {
		d, err := a.definitions(ctx, s)
		if err != nil {
			return err
		}
		return f(&view.View{Definitions: d, Store: s, Now: time.Now()})
	}
	err := a.withStore(ctx, look)
	if a.repo != nil && as[*noStoreError](err) {
		empty := memory.New()
		err = errors.Join(look(empty), empty.Close())
	}
	return err
}

// definitions are those of this program, or of all that wrote to the store.
func (a *app) definitions(ctx context.Context, s storage.Reader) (*view.Definitions, error) {
	if a.repo == nil {
		return view.Stored(ctx, s)
	}
	doc, err := a.repo.Topology()
	if err != nil {
		return nil, err
	}
	return view.Of(doc), nil
}

// nodes returns the definitions that arguments can name. A completion has nowhere to report an
// error; the command reports it.
func (a *app) nodes(ctx context.Context) []view.Node {
	var d *view.Definitions
	var err error
	if a.repo != nil {
		d, err = a.definitions(ctx, nil)
	} else {
		err = a.withView(ctx, func(v *view.View) error { d = v.Definitions; return nil })
	}
	if err != nil {
		return nil
	}
	return d.Nodes()
}
