package cli

import (
	"fmt"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/health"
)

func healthColour(s health.State) term.Colour {
	return map[health.State]term.Colour{health.Healthy: term.Green, health.Warning: term.Yellow, health.Degraded: term.Red}[s]
}

// healthCell describes how healthy an asset is.
func (v *assetView) healthCell() term.Cell {
	if v.Health == nil || v.Health.State == health.NotApplicable {
		return term.Cell{Text: "-", Paint: term.Grey}
	}
	return term.Cell{Text: v.Health.State.String(), Paint: healthColour(v.Health.State)}
}

// isUnhealthy reports whether somebody should look at an asset.
func (v *assetView) isUnhealthy() bool { return v.Health != nil && v.Health.State.Unhealthy() }

// printHealth prints how fresh and how healthy an asset is.
func (a *app) printHealth(v *assetView) {
	line := func(label, text string) {
		a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-12s", label)), text)
	}
	if r := v.Fresh; r != nil {
		text := a.Paint(freshColour(r.State), r.State.String())
		if !r.Since.IsZero() {
			text += " since " + term.Instant(r.Since)
		}
		if !r.NextChange.IsZero() {
			text += ", until " + term.Instant(r.NextChange) + " if nothing lands"
		}
		line("freshness", v.Freshness.String())
		line("", text)
		line("", r.Reason)
	}
	if h := v.Health; h != nil {
		line("health", a.Paint(healthColour(h.State), h.State.String())+": "+h.Reason)
	}
}
