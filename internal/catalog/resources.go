package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/iohandler"
)

// Resources are values that functions take by name. A resource with a method Setup is set up before
// it is used, one with Teardown is torn down afterwards.
type Resources map[string]any

// SetUp sets up every resource, in the order of names, and returns their names. If one fails, those
// before it are torn down.
func (r Resources) SetUp(ctx context.Context) ([]string, error) {
	var done []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if err := r.SetUpOne(ctx, name); err != nil {
			return nil, errors.Join(err, r.TearDown(ctx, done))
		}
		done = append(done, name)
	}
	return done, nil
}

// SetUpOne sets up one resource, if it has a Setup.
func (r Resources) SetUpOne(ctx context.Context, name string) error {
	s, ok := r[name].(interface{ Setup(context.Context) error })
	if !ok {
		return nil
	}
	if err := fault.Guard(func() error { return s.Setup(ctx) }); err != nil {
		return fmt.Errorf("resource %q: setting it up: %w", name, err)
	}
	return nil
}

// TearDown tears down the named resources, the last first. All are tried; the errors are joined.
func (r Resources) TearDown(ctx context.Context, names []string) error {
	var errs []error
	for _, name := range slices.Backward(names) {
		t, ok := r[name].(interface{ Teardown(context.Context) error })
		if !ok {
			continue
		}
		if err := fault.Guard(func() error { return t.Teardown(ctx) }); err != nil {
			errs = append(errs, fmt.Errorf("resource %q: tearing it down: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Holding returns the names of the resources that are the handler h, sorted.
func (r Resources) Holding(h iohandler.Handler) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if res, ok := r[name].(iohandler.Handler); ok && SameHandler(res, h) {
			names = append(names, name)
		}
	}
	return names
}

// SameHandler reports whether two handlers are one; those of types that cannot be compared are not.
func SameHandler(a, b iohandler.Handler) bool {
	return a != nil && b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
