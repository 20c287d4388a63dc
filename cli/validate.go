package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "validate", Short: "Check every definition and report all mistakes at once", Args: noArgs,
		Long: `Check every definition and report all mistakes at once. Opens nothing and runs nothing.

--json prints {"valid": true, "assets": n, "jobs": n, "notes": [{"name", "note"}]}, or {"valid": false, "mistakes": [{"kind", "name", "position",
"at", "message"}]} with exit code 3.`,
		RunE: func(*cobra.Command, []string) error { return a.validate() },
	}
}

// mistakeDoc is one mistake in the output of validate --json.
type mistakeDoc struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Position string `json:"position,omitempty"`
	At       string `json:"at,omitempty"`
	Message  string `json:"message"`
}

// noteDoc is a note about a definition that is valid in the output of validate --json.
type noteDoc struct {
	Name string `json:"name"`
	Note string `json:"note"`
}

func (a *app) validate() error {
	doc, err := a.repo.Topology()
	switch {
	case err != nil && a.json:
		docs := mistakes(err)
		if printErr := a.PrintJSON(map[string]any{"valid": false, "mistakes": docs}); printErr != nil {
			return printErr
		}
		return &failedError{err, exitCode(err)}
	case err != nil:
		if docs := mistakes(err); len(docs) > 1 {
			return fmt.Errorf("%d mistakes in the definitions:\n%w", len(docs), err)
		}
		return err
	case a.json:
		notes := []noteDoc{}
		for _, n := range doc.Nodes {
			if n.Note != "" {
				notes = append(notes, noteDoc{n.Name, n.Note})
			}
		}
		return a.PrintJSON(map[string]any{"valid": true, "assets": len(doc.Nodes), "jobs": len(doc.Jobs), "notes": notes})
	}
	for _, n := range doc.Nodes {
		if n.Note != "" {
			a.Printf("note: %s %q: %s\n", n.Kind, n.Name, n.Note)
		}
	}
	a.Printf("%s: %s and %s, all valid\n", doc.Name, term.Count(len(doc.Nodes), "asset or task", "assets and tasks"), term.Count(len(doc.Jobs), "job", "jobs"))
	return nil
}

// mistakes lists the mistakes of a joined error.
func mistakes(err error) []mistakeDoc {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		docs := []mistakeDoc{}
		for _, e := range joined.Unwrap() {
			docs = append(docs, mistakes(e)...)
		}
		return docs
	}
	if d, ok := errors.AsType[*rivers.DefinitionError](err); ok {
		return []mistakeDoc{{d.Kind, d.Name, d.Position, d.At, d.Message}}
	}
	return []mistakeDoc{{Kind: "repository", Message: err.Error()}}
}
