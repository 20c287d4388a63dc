package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// readStatus reads how the assets of this program are, by name. It is empty for other programs.
func (a *app) readStatus(ctx context.Context, s storage.Reader) (map[string]*rivers.AssetStatus, error) {
	if a.repo == nil {
		return map[string]*rivers.AssetStatus{}, nil
	}
	list, err := a.repo.Status(ctx, rivers.StatusRequest{Store: s})
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*rivers.AssetStatus, len(list))
	for i := range list {
		byName[list[i].Asset] = &list[i]
	}
	return byName, nil
}

// isStale reports whether something of an asset is stale or missing.
func (v *assetView) isStale() bool {
	return v.Status != nil && v.Status.Stale.Count+v.Status.Missing.Count > 0
}

// statusCell returns the status of an asset in a few words.
func (v *assetView) statusCell() term.Cell {
	if v.Status == nil || v.Status.External {
		return term.Cell{Text: "-", Paint: term.Grey}
	}
	return term.Cell{Text: statusText(v.Status), Paint: statusColour(v.Status)}
}

func statusColour(s *rivers.AssetStatus) term.Colour {
	switch {
	case s.Stale.Count > 0:
		return term.Yellow
	case s.Missing.Count > 0, s.Space.Definition() != nil && s.Total == 0:
		return term.Grey
	case s.UpstreamStale.Count > 0:
		return term.Yellow
	}
	return term.Green
}

// statusText describes how an asset is: fresh, stale, missing, or how many of its partitions are.
func statusText(s *rivers.AssetStatus) string {
	var parts []string
	partitioned := s.Space.Definition() != nil
	add := func(n int64, word string) {
		switch {
		case n == 0:
		case !partitioned || n == s.Total:
			parts = append(parts, word)
		case len(parts) == 0:
			parts = append(parts, fmt.Sprintf("%d of %d %s", n, s.Total, word))
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	add(s.Stale.Count, "stale")
	add(s.Missing.Count, "missing")
	switch {
	case partitioned && s.Total == 0:
		parts = append(parts, "no partitions")
	case len(parts) == 0:
		parts = append(parts, "fresh")
	}
	if s.UpstreamStale.Count > 0 {
		parts = append(parts, "upstream stale")
	}
	return strings.Join(parts, ", ")
}

// printStatus prints how an asset is, and why it is stale.
func (a *app) printStatus(v *assetView) {
	if v.Status == nil || v.Status.External {
		return
	}
	a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-12s", "status")), a.Paint(statusColour(v.Status), statusText(v.Status)))
	if lost := v.Status.Lost; lost.Count > 0 {
		text := "its value lay in the memory of another process: its IO handler keeps it no longer"
		if v.Status.Space.Definition() != nil {
			text = fmt.Sprintf("%d lay in the memory of another process: its IO handler keeps them no longer", lost.Count)
		}
		a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-12s", "missing")), text)
	}
	for i := range v.Status.Causes {
		c := &v.Status.Causes[i]
		a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-12s", "stale")), causeText(v.Status, c))
	}
}

// causeText describes one cause, with what was recorded and what there is, or how many partitions
// it is of.
func causeText(s *rivers.AssetStatus, c *rivers.StaleCause) string {
	text := c.Text
	switch {
	case s.Space.Definition() != nil:
		text += " (" + term.Counted(c.Count, "partition", "partitions") + ")"
	case c.Kind != "dependencies":
		text += fmt.Sprintf(": %s, was %s", term.OneLine(term.Dash(c.Current), 36), term.OneLine(term.Dash(c.Recorded), 36))
	}
	return text
}

// stalePart is the staleness in partitions status; nil where it is unknown.
type stalePart struct {
	status          *rivers.AssetStatus
	stale, upstream view.Ranges
}

// staleness reads what is stale of an asset, and adds it to a document.
func (a *app) staleness(ctx context.Context, s storage.Reader, of *view.Partitions, doc map[string]any) (*stalePart, error) {
	if a.repo == nil {
		return nil, nil //nolint:nilnil // without the definitions nothing is known of it
	}
	list, err := a.repo.Status(ctx, rivers.StatusRequest{Selection: []string{of.Asset}, Store: s})
	if err != nil || len(list) == 0 || list[0].External {
		return nil, err
	}
	p := &stalePart{status: &list[0]}
	if p.stale, err = view.RangesOf(of.Space, p.status.Stale.Partitions); err != nil {
		return nil, err
	}
	if p.upstream, err = view.RangesOf(of.Space, p.status.UpstreamStale.Partitions); err != nil {
		return nil, err
	}
	doc["stale"], doc["upstream_stale"], doc["causes"] = p.stale, p.upstream, p.status.Causes
	return p, nil
}

// addTo adds rows to the table of states.
func (p *stalePart) addTo(t *term.Table, space partition.Space) {
	if p == nil {
		return
	}
	t.Add(term.Cell{Text: "stale", Paint: term.Yellow}, p.stale.Count, share(p.stale.Count, space.Len()), rangesText(p.stale))
	t.Add(term.Cell{Text: "upstream stale", Paint: term.Grey}, p.upstream.Count, share(p.upstream.Count, space.Len()), rangesText(p.upstream))
}

// printCauses prints why partitions are stale.
func (p *stalePart) printCauses(a *app) {
	if p == nil || len(p.status.Causes) == 0 {
		return
	}
	a.Println()
	for i := range p.status.Causes {
		a.Printf("stale: %s\n", causeText(p.status, &p.status.Causes[i]))
	}
}
