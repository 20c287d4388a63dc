package cli

import (
	"sync"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/metadata"
)

// maxActionResults bounds the action results that are shown. An action may run on a million
// partitions.
const maxActionResults = 20

// actionResults holds the first results of an action.
type actionResults struct {
	mu    sync.Mutex
	first []actionResult
	all   int
}

// actionResult is the result of an action on an asset, or on some of its partitions.
type actionResult struct {
	Asset       string       `json:"asset"`
	Partition   string       `json:"partition,omitempty"`
	Did         string       `json:"did"`
	DataVersion string       `json:"data_version,omitempty"`
	Metadata    metadata.Map `json:"metadata,omitempty"`
	At          time.Time    `json:"at"`
}

func (d *actionResults) listener() rivers.Listener {
	return rivers.Listener{ActionPerformed: func(p rivers.ActionPerformed) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.all++; len(d.first) < maxActionResults {
			d.first = append(d.first, actionResult{p.Asset, p.Partition, effectWord(p.Did), p.DataVersion, p.Metadata, p.At})
		}
	}}
}

// effectWord returns the effect of an action as a word.
func effectWord(e rivers.ActionEffect) string {
	switch e {
	case rivers.MayMaterialize:
		return "materialized"
	case rivers.Forgets:
		return "forgot"
	case rivers.Observes:
		return "observed"
	default:
		return "changed_nothing"
	}
}

// printActionResults prints the result of an action per asset or partition, with its metadata.
func (a *app) printActionResults(d *actionResults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.first {
		one := &d.first[i]
		what := one.Asset
		if one.Partition != "" {
			what += " " + one.Partition
		}
		a.Printf("\n%s: %s\n", a.Paint(term.Bold, what), term.Words(one.Did))
		facts := a.metadataFacts(one.Metadata)
		if one.DataVersion != "" {
			facts = append([]fact{{label: "data version", text: one.DataVersion}}, facts...)
		}
		a.printFacts(facts, 2)
	}
	if more := d.all - len(d.first); more > 0 {
		a.Printf("\n… and %d more\n", more)
	}
}
