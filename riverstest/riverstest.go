// Package riverstest helps people test their own pipelines.
//
// Two ways are offered. A function can be called by itself with the real context of a real step
// ([AssetContext], [TaskContext]): an unlisted asset is materialized in a memory store, and its
// step is held open until the test ends, so that logging, metadata, Storage and cancellation
// are those of production. Or a whole repository is run in memory ([Materialize]), and the
// typed result is asked for values, metadata, attempts and events.
package riverstest

import (
	"context"
	"maps"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage/memory"
)

// Options say what the step of a context looks like. The zero value is a step named "test".
type Options struct {
	// Name is the asset's or task's name; empty is "test".
	Name string
	// Metadata is the asset's, as defined.
	Metadata metadata.Map
	// Tags are the run's.
	Tags map[string]string
	// Values are stored under these names for ctx.Load.
	Values map[string]any
}

func (o Options) name() string {
	if o.Name == "" {
		return "test"
	}
	return o.Name
}

// AssetContext returns the context of a real step of an asset, which goes on until the test ends.
func AssetContext(tb testing.TB, o Options) *rivers.AssetContext {
	tb.Helper()
	return hold(tb, o, func(body func(*rivers.AssetContext) error) rivers.RepositoryConfig {
		asset := rivers.NewAsset(rivers.AssetSpec{Name: o.name(), Metadata: o.Metadata},
			func(ctx *rivers.AssetContext, _ rivers.NoInput) (rivers.Materialization, error) {
				return rivers.Materialization{}, body(ctx)
			})
		return rivers.RepositoryConfig{Assets: []rivers.Asset{asset}}
	})
}

// TaskContext returns the context of a real step of a task, which goes on until the test ends.
func TaskContext(tb testing.TB, o Options) *rivers.TaskContext {
	tb.Helper()
	return hold(tb, o, func(body func(*rivers.TaskContext) error) rivers.RepositoryConfig {
		task := rivers.NewTask(rivers.TaskSpec{Name: o.name(), Metadata: o.Metadata},
			func(ctx *rivers.TaskContext, _ rivers.NoInput) (int, error) { return 0, body(ctx) })
		return rivers.RepositoryConfig{Tasks: []rivers.Node{task}}
	})
}

// hold runs a step whose body hands over its context and waits for the end of the test.
func hold[C any](tb testing.TB, o Options, define func(body func(C) error) rivers.RepositoryConfig) C {
	tb.Helper()
	given, release := make(chan C, 1), make(chan struct{})
	c := define(func(ctx C) error {
		given <- ctx
		<-release
		return nil
	})
	for name, value := range o.Values {
		c.Assets = append(c.Assets, constant(name, value))
	}
	repo := rivers.NewCodeRepository(c)
	// The run outlives the test's own context, which ends before its cleanups.
	ctx := context.WithoutCancel(tb.Context())
	if err := repo.Resolve(ctx, memory.New()); err != nil {
		tb.Fatalf("making a context: %v", err)
	}
	for name := range o.Values {
		if _, err := repo.Materialize(ctx, rivers.RunRequest{Selection: []string{name}}); err != nil {
			tb.Fatalf("storing value %q: %v", name, err)
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := repo.Materialize(ctx, rivers.RunRequest{Selection: []string{o.name()}, Tags: maps.Clone(o.Tags)})
		ended <- err
	}()
	tb.Cleanup(func() {
		close(release)
		if err := <-ended; err != nil {
			tb.Errorf("the step of the context: %v", err)
		}
		if err := repo.Close(); err != nil {
			tb.Errorf("closing the repository of the context: %v", err)
		}
	})
	select {
	case c := <-given:
		return c
	case err := <-ended:
		ended <- err
		tb.Fatalf("making a context: %v", err)
		panic("unreachable")
	}
}

func constant(name string, value any) rivers.Asset {
	return rivers.NewAsset(rivers.AssetSpec{Name: name},
		func(*rivers.AssetContext, rivers.NoInput) (any, error) { return value, nil })
}

// Value returns the stored value of an asset or task; anything wrong ends the test.
func Value[T any](tb testing.TB, repo *rivers.CodeRepository, name string) T {
	tb.Helper()
	var v T
	if err := repo.LoadNode(tb.Context(), name, &v, rivers.LoadOptions{}); err != nil {
		tb.Fatal(err)
	}
	return v
}
