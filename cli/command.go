package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rivers-go/rivers"
)

// Command returns the command tree of a repository, for programs with commands of their own. Unlike
// [Main] it handles no signals, errors or exit codes. The caller must close the repository: a
// command that ran something has opened a store, which [rivers.CodeRepository.Close] closes. The
// caller also calls [rivers.CodeRepository.ServeStep].
func Command(repo *rivers.CodeRepository) *cobra.Command {
	return newApp(repo, os.Stdout, os.Stderr).command()
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           filepath.Base(os.Args[0]),
		Short:         "Materialize, watch and understand the assets of this program",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownSubcommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	if a.repo == nil {
		root.Use, root.Short = "rivers", "Start a rivers project, or look into a store without its program"
	}
	root.Long = root.Short + ".\n\n" + ExitCodes
	flags := root.PersistentFlags()
	flags.StringVar(&a.storage, "storage", os.Getenv("RIVERS_STORAGE"),
		"the store: "+storageForms+" (default .rivers/storage; environment: RIVERS_STORAGE)")
	flags.Lookup("storage").DefValue = "" // help prints it, and a URL may have a password
	flags.BoolVar(&a.json, "json", false, "print one JSON document; errors too, on stderr")
	flags.BoolVar(&a.NoColor, "no-color", os.Getenv("NO_COLOR") != "", "print no colours (environment: NO_COLOR)")
	root.SetFlagErrorFunc(flagError)
	if a.repo != nil {
		root.AddCommand(a.validateCommand(), a.graphCommand(), a.materializeCommand(), a.observeCommand(), a.backfillCommand(),
			a.checksCommand(), a.actionsCommand(), valuesCommand(a))
	}
	root.AddCommand(a.assetsCommand(), a.runsCommand(), a.eventsCommand(), a.poolsCommand(), a.partitionsCommand(), a.freshnessCommand(), a.dbCommand())
	root.AddCommand(a.more...)
	return root
}

// flagError names an unknown flag with the nearest one, or a flag with an invalid value.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return usagef("%s has no flag -%s: see %s --help", cmd.CommandPath(), name, cmd.CommandPath())
		}
		names := func(yield func(string) bool) {
			more := true
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				more = more && yield("--"+f.Name)
			})
		}
		return usagef("%s has no flag --%s%s: see %s --help", cmd.CommandPath(), name, suggestion("--"+name, names), cmd.CommandPath())
	}
	return usagef("%w: see %s --help", err, cmd.CommandPath())
}
