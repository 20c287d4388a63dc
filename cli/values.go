package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
)

func valuesCommand(a *app) *cobra.Command {
	var req rivers.PruneValuesRequest
	prune := &cobra.Command{
		Use: "prune", Short: "Delete stored values that no record means", Args: noArgs,
		Long: `Delete stored values that no record means: those that were replaced, and those of attempts that were not recorded. The
newest write of each value stays, and so does what a run in progress may need. The folders of values belong to this store
alone: the values of another store in the same folder would be deleted.

An AGE is a number of days (90d) or any other duration (36h). --json prints {"count", "bytes", "values": [...]}.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return pruneValues(cmd.Context(), a, req) },
	}
	flags := prune.Flags()
	flags.BoolVar(&req.DryRun, "dry-run", false, "print what would be deleted; delete nothing")
	flags.Var((*ageValue)(&req.OlderThan), "older-than", "the AGE of what is deleted (default "+ageText(rivers.DefaultValueAge)+")")
	return group("values", "Look after stored values", prune)
}

func pruneValues(ctx context.Context, a *app, req rivers.PruneValuesRequest) error {
	if err := a.needDefinitions(ctx, "values prune"); err != nil {
		return err
	}
	did, err := a.repo.PruneValues(ctx, req)
	if err != nil {
		return readError(err)
	}
	if a.json {
		return a.PrintJSON(did)
	}
	t := term.Table{Head: []string{"value", "location", "bytes", "written"}}
	for i := range did.Values {
		v := &did.Values[i]
		t.Add(v.Name, v.Location, v.Bytes, v.Written.Local().Format(time.DateTime))
	}
	if len(t.Rows) > 0 {
		a.PrintTable(&t)
	}
	word := "deleted"
	if req.DryRun {
		word = "would be deleted"
	}
	a.Printf("%s, %d bytes, %s\n", term.Counted(did.Count, "value", "values"), did.Bytes, word)
	return nil
}
