package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/internal/nearest"
)

// Command returns the command tree of a repository, for programs that add commands of their own.
// Unlike [Main] it leaves errors and exit codes to the caller.
func Command(repo *rivers.CodeRepository) *cobra.Command {
	return newApp(repo, os.Stdout, os.Stderr).command()
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           filepath.Base(os.Args[0]),
		Short:         "Materialize, watch and understand the assets of this program",
		Long:          "Materialize, watch and understand the assets of this program.\n\n" + ExitCodes,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownSubcommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.storage, "storage", os.Getenv("RIVERS_STORAGE"),
		"the store: a path, sqlite:///path or memory: (default .rivers/storage; environment: RIVERS_STORAGE)")
	flags.BoolVar(&a.json, "json", false, "print one JSON document for programs")
	flags.BoolVar(&a.noColor, "no-color", os.Getenv("NO_COLOR") != "", "print no colours (environment: NO_COLOR)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	})
	if a.repo != nil {
		root.AddCommand(a.validateCommand(), a.graphCommand(), a.materializeCommand(), a.observeCommand())
	} else {
		root.Use, root.Short = "rivers", "Start a rivers project, or look into a store without its program"
		root.Long = root.Short + ".\n\n" + ExitCodes
	}
	root.AddCommand(a.assetsCommand(), a.runsCommand(), a.eventsCommand(), a.dbCommand())
	root.AddCommand(a.more...)
	return root
}

// group is a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: unknownSubcommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	c.AddCommand(children...)
	return c
}

func unknownSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near, ok := nearest.Name(args[0], func(yield func(string) bool) {
		for _, c := range cmd.Commands() {
			if !yield(c.Name()) {
				return
			}
		}
	}); ok {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	return fmt.Errorf("%s has no command %q%s: see %s --help", cmd.CommandPath(), args[0], hint, cmd.CommandPath())
}

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "validate", Short: "Check every definition and report all mistakes at once", Args: cobra.NoArgs,
		Long: "Check every definition and report all mistakes at once. Opens nothing and runs nothing.\n--json prints {\"valid\": true, \"assets\": n, \"jobs\": n}.",
		RunE: func(*cobra.Command, []string) error {
			doc, err := a.repo.Topology()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"valid": true, "assets": len(doc.Nodes), "jobs": len(doc.Jobs)})
			}
			fmt.Fprintf(a.out, "%s: %s and %s, all valid\n", doc.Name, count(len(doc.Nodes), "asset or task", "assets and tasks"), count(len(doc.Jobs), "job", "jobs"))
			return nil
		},
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
