package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/selection"
	"github.com/rivers-go/rivers/storage"
)

// Want is what a selection must contain.
type Want uint8

// What a selection must contain.
const (
	// Anything may be empty.
	Anything Want = iota
	// Something is at least one asset or task.
	Something
	// Runnable is at least one asset or task that can be materialized here.
	Runnable
)

// Select evaluates a selection and returns what is selected by item; nil is everything.
func (c *Catalog) Select(texts []string, want Want) ([]bool, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	expr, err := selection.ParseAll(texts)
	if err != nil {
		return nil, err
	}
	items := c.graph.Items()
	set, err := expr.Eval(items)
	if err != nil {
		return nil, fault.Mark(fault.ErrAssetNotFound, err)
	}
	selected := make([]bool, items.Len())
	enough := want == Anything
	for i := range selected {
		if selected[i] = set.Has(i); !selected[i] || enough {
			continue
		}
		_, node := c.graph.Output(items.Output(i))
		enough = want == Something || c.graph.Node(node).Kind != graph.External
	}
	if !enough {
		return nil, fmt.Errorf("selection %s: it selects nothing that can be materialized: external assets are made elsewhere, use observe", fault.QuotedList(texts))
	}
	return selected, nil
}

// SelectPartitioned evaluates the selection of a backfill: what of it has partitions and can be
// made.
func (c *Catalog) SelectPartitioned(texts []string) ([]bool, error) {
	selected, err := c.Select(texts, Runnable)
	if err != nil {
		return nil, err
	}
	items := c.graph.Items()
	partitioned := make([]bool, items.Len())
	some := false
	for i := range partitioned {
		out, n := c.graph.Output(items.Output(i))
		partitioned[i] = (selected == nil || selected[i]) && out.Partitions != nil && c.graph.Node(n).Kind != graph.External
		some = some || partitioned[i]
	}
	switch {
	case some:
		return partitioned, nil
	case len(texts) == 0:
		return nil, fmt.Errorf("backfill: %w: no asset has partitions: materialize them", fault.ErrPartitionValidation)
	}
	return nil, fmt.Errorf("backfill: %w: nothing that %s selects has partitions: materialize it", fault.ErrPartitionValidation, fault.QuotedList(texts))
}

// LeaveOutPartitioned narrows the selection of a request for [storage.RunRequest.Unpartitioned] to
// the unpartitioned assets and the tasks whose values they read. It returns the names of the assets
// that it left out. If everything selected has partitions, or nothing has, the selection stays.
func (c *Catalog) LeaveOutPartitioned(req *storage.RunRequest) ([]string, error) {
	switch {
	case req.Action != "":
		return nil, fmt.Errorf("action %q: an action runs on what it names: leave out Unpartitioned", req.Action)
	case !req.Partition.IsZero() || !req.Range.IsZero() || !req.Partitions.IsEmpty():
		return nil, fmt.Errorf("%w: the request names a partition and is Unpartitioned: leave one out", fault.ErrPartitionValidation)
	}
	req.Unpartitioned = false
	selected, err := c.Select(req.Selection, Anything)
	if err != nil {
		return nil, err
	}
	var kept, left []string
	items := c.graph.Items()
	read := make([]bool, items.Len()) // by an asset that is kept: a task runs when its value is read
	for i := items.Len() - 1; i >= 0; i-- {
		out, n := c.graph.Output(items.Output(i))
		switch node := c.graph.Node(n); {
		case selected != nil && !selected[i], node.Kind == graph.External, !out.Asset && !read[i]:
			continue
		case out.Partitions != nil:
			left = append(left, out.Name)
			continue
		}
		kept = append(kept, out.Name)
		for _, u := range items.Upstream(i) {
			read[u] = true
		}
	}
	if len(kept) == 0 || len(left) == 0 {
		return nil, nil
	}
	slices.Reverse(kept)
	slices.Reverse(left)
	req.Selection = kept
	return left, nil
}

// Unknown returns the error for a name that no asset or task has.
func (c *Catalog) Unknown(name string) error {
	for _, d := range c.defs {
		if names := d.OutputNames(); d.Name == name && len(names) != 1 {
			return fmt.Errorf("%q: %w: it is a %s, its outputs are %s", name, fault.ErrAssetNotFound, d.KindName(), fault.QuotedList(names))
		}
	}
	names := func(yield func(string) bool) {
		for v := range int32(c.graph.Outputs()) {
			if out, _ := c.graph.Output(v); !yield(out.Name) {
				return
			}
		}
	}
	return fmt.Errorf("%q: %w%s", name, fault.ErrAssetNotFound, fault.Suggestion(name, names))
}

// Observable resolves names to outputs that can be observed.
func (c *Catalog) Observable(names []string) ([]int32, error) {
	var found []int32
	if len(names) == 0 {
		for v := range int32(c.graph.Outputs()) {
			if _, n := c.graph.Output(v); c.graph.Node(n).Observe != nil {
				found = append(found, v)
			}
		}
		return found, nil
	}
	var errs []error
	for _, name := range names {
		v, ok := c.graph.Find(name)
		if !ok {
			errs = append(errs, fmt.Errorf("observing %w", c.Unknown(name)))
			continue
		}
		_, n := c.graph.Output(v)
		switch node := c.graph.Node(n); {
		case node.Kind != graph.External:
			errs = append(errs, fmt.Errorf("asset %q: %w: it is made here, and only external assets are observed: materialize it", name, fault.ErrNotObservable))
		case node.Observe == nil:
			errs = append(errs, fmt.Errorf("asset %q: %w: it has no Observe function: add one to its ExternalAssetSpec", name, fault.ErrNotObservable))
		case !slices.Contains(found, v): // asked for twice, it is looked at once
			found = append(found, v)
		}
	}
	return found, errors.Join(errs...)
}

// Output finds what has a stored value under a name, which may be that of one instance of a mapped
// step. It reports whether the step unfolds, so that each instance stores a value.
func (c *Catalog) Output(name string) (out *graph.Output, mapped bool, err error) {
	v, ok := c.graph.Find(name)
	if !ok && strings.HasSuffix(name, "]") {
		base, _, _ := strings.Cut(name, "[")
		if of, found := c.graph.Find(base); found {
			_, n := c.graph.Output(of)
			v, ok = of, c.graph.Node(n).Map != nil
		}
	}
	if !ok {
		return nil, false, c.Unknown(name)
	}
	out, n := c.graph.Output(v)
	return out, c.graph.Node(n).Map != nil, nil
}
