package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
)

func (a *app) observeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "observe [NAME...]", Short: "Observe external assets and record the results", ValidArgsFunction: a.completeExternal,
		Long: "Observe external assets and record the results: the named ones, or all that can be observed.\n--json prints the metadata by asset.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.observe(cmd.Context(), args) },
	}
}

func (a *app) observe(ctx context.Context, names []string) error {
	if err := a.resolve(ctx); err != nil {
		return err
	}
	seen, err := a.repo.Observe(ctx, names...)
	if seen == nil {
		return err
	}
	if a.json {
		if printErr := a.PrintJSON(seen); printErr != nil {
			return printErr
		}
	} else {
		for _, name := range slices.Sorted(maps.Keys(seen)) {
			a.Printf("%s  %s\n", a.Paint(term.Bold, name), metadataLine(seen[name]))
		}
		if len(seen) == 0 && err == nil {
			a.Println("no external asset can be observed: give one an Observe function")
		}
	}
	if err != nil && len(seen) > 0 {
		a.Warnln(err)
		return &failedError{err, exitFailed}
	}
	return err
}
