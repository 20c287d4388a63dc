package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) dbCommand() *cobra.Command {
	migrate := &cobra.Command{
		Use: "migrate", Short: "Bring the store's schema to this program's version", Args: noArgs,
		Long: "Bring the store's schema to this program's version, creating it if it is missing.\n--json prints {\"from\", \"to\"}.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.migrate(cmd.Context()) },
	}
	var repair bool
	check := &cobra.Command{
		Use: "check", Short: "Verify the invariants of a store", Args: noArgs,
		Long: `Verify the invariants of a store: one end per run, events without gaps, states that agree with events, partition sets that
agree with states, no slots held by finished runs, and an undamaged file (for PostgreSQL use pg_amcheck). --repair first
repairs what needs no guess, in one transaction, and lists the repairs. The exit code is 1 if problems remain. --json prints {"problems": [...]}, with --repair {"mended": [...], "problems": [...]}.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.check(cmd.Context(), repair) },
	}
	check.Flags().BoolVar(&repair, "repair", false, "repair what needs no guess")
	return group("db", "Migrate, verify and prune the store", migrate, check, a.pruneCommand())
}

func (a *app) migrate(ctx context.Context) error {
	b, location, err := a.backend()
	if err != nil {
		return err
	}
	if b.migrate == nil {
		return usagef("the %s store has no schema: give the path or the URL of a store", b.scheme)
	}
	from, to, err := b.migrate(ctx, location)
	if err != nil {
		return &storageError{err}
	}
	if a.json {
		return a.PrintJSON(map[string]int{"from": from, "to": to})
	}
	switch {
	case from > b.version():
		a.Printf("the store has schema version %d, newer than this program's %d: nothing to do\n", to, b.version())
	case from == to:
		a.Printf("the store has schema version %d, nothing to do\n", to)
	default:
		a.Printf("migrated from schema version %d to %d\n", from, to)
	}
	return nil
}

// checker is implemented by backends that can verify themselves.
type checker interface {
	Check(ctx context.Context) ([]string, error)
	// Repair repairs what Check finds and needs no guess. It returns the repairs.
	Repair(ctx context.Context) ([]string, error)
}

func (a *app) check(ctx context.Context, repair bool) error {
	return a.withStore(ctx, func(s storage.Reader) error {
		c, ok := s.(checker)
		if !ok {
			return usagef("the memory store has nothing to check: give the path or the URL of a store")
		}
		var mended []string
		var err error
		if repair {
			if mended, err = c.Repair(ctx); err != nil {
				return &storageError{err}
			}
		}
		problems, err := c.Check(ctx)
		if err == nil {
			var abandoned []string
			abandoned, err = view.Ownerless(ctx, s)
			problems = append(problems, abandoned...)
		}
		if err != nil {
			return &storageError{err}
		}
		if err := a.printCheck(repair, mended, problems); err != nil {
			return err
		}
		if len(problems) > 0 {
			return &failedError{fmt.Errorf("%d problems in the store", len(problems)), exitFailed}
		}
		return nil
	})
}

func (a *app) printCheck(repair bool, mended, problems []string) error {
	if a.json {
		doc := map[string][]string{"problems": append([]string{}, problems...)}
		if repair {
			doc["mended"] = append([]string{}, mended...)
		}
		return a.PrintJSON(doc)
	}
	for _, done := range mended {
		a.Println("mended:", done)
	}
	for _, p := range problems {
		a.Println(p)
	}
	if len(problems) == 0 {
		a.Println("the store is sound")
	}
	return nil
}
