package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

// places gives every measurement a store of its own: a directory, or a schema on one server.
type places struct {
	server *postgrestest.Server // nil where none is needed, or to be had
}

// newPlaces starts the server if a case needs it. Where PostgreSQL is not installed, its cases are
// reported and left out, unless they were asked for.
func newPlaces(ctx context.Context, o options, cases []suiteCase, stderr io.Writer) (*places, error) {
	if !slices.ContainsFunc(cases, func(c suiteCase) bool { return slices.Contains(c.stores, onServer) }) {
		return &places{}, nil
	}
	server, err := postgrestest.Start(ctx, postgrestest.Options{Fsync: true})
	if errors.Is(err, postgrestest.ErrNotInstalled) && o.stores == "" {
		_, _ = fmt.Fprintf(stderr, "nothing is measured with PostgreSQL: %v\n", err)
		for i := range cases {
			cases[i].stores = slices.DeleteFunc(cases[i].stores, func(s string) bool { return s == onServer })
		}
		return &places{}, nil
	}
	return &places{server: server}, err
}

// make returns a place that is empty.
func (p *places) make(kind string) (place string, err error) {
	if kind == onServer {
		return p.server.URL(), nil
	}
	return os.MkdirTemp("", "rivers-compare-")
}

// leave removes what a measurement left at a place. A schema goes with its server.
func (p *places) leave(kind, place string) error {
	if kind == onServer {
		return nil
	}
	return os.RemoveAll(place)
}

func (p *places) close() error {
	if p.server == nil {
		return nil
	}
	return p.server.Close()
}
