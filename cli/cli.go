// Package cli makes a program of a repository, with the commands validate, materialize, runs and so
// on.
//
// Main reads the arguments and sets the exit code. Every command reads flags, makes one call of the
// repository or its storage, and prints the result. Three rules hold for all of them:
//
//   - The answer goes to stdout and everything else to stderr.
//   - --json prints one document, and an error as {"error", "code"} on stderr.
//   - An error ends with a remedy, and [ExitCodes] documents its exit code.
//
// Commands that only read (assets, graph, runs, events) never resolve the repository. They set up
// no resource and create no store. Every request is checked before a store is opened.
//
// A terminal shows a live view of a run, a pipe gets one plain line per event. Package term draws
// both.
//
// The first Ctrl-C cancels the context of the current run, the second ends the process at once.
// Recorded steps stay recorded, and the store stays sound.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
)

// Main runs the program of a repository with the arguments of the process, and exits. In a process
// started for one step of a run it runs that step; see [rivers.CodeRepository.ServeStep].
func Main(repo *rivers.CodeRepository) {
	repo.ServeStep()
	term.CleanLogs()
	os.Exit(run(newApp(repo, os.Stdout, os.Stderr), os.Args[1:]))
}

// StoreMain runs a program that reads a store without user code, and exits. more are added to its
// commands.
func StoreMain(more ...*cobra.Command) {
	a := newApp(nil, os.Stdout, os.Stderr)
	a.more = more
	os.Exit(run(a, os.Args[1:]))
}

// run executes one command line and returns the exit code.
func run(a *app, args []string) int {
	ctx, stop := a.Interruptible(context.Background(), exitCanceled)
	defer stop()
	root := a.command()
	root.SetArgs(args)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	err := root.ExecuteContext(ctx)
	if a.repo != nil {
		err = errors.Join(err, a.repo.Close())
	}
	return a.report(err)
}

// report prints an error and returns its exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	if shown := shownError(err); shown != "" {
		if a.json {
			doc, encodeErr := json.Marshal(map[string]any{"error": shown, "code": code})
			if encodeErr == nil {
				a.Warnln(string(doc))
				return code
			}
		}
		a.Warnln(a.Paint(term.Red, "error: ") + shown)
	}
	return code
}
