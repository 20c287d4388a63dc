// Package cli makes a program of a repository: its own validate, materialize, runs and so on.
//
// Main reads the arguments and sets the exit code; every command is a thin reading of flags around
// one call of the repository or its storage. Three rules hold for all of them: what a person asked
// for goes to stdout and everything else to stderr; --json prints one document for programs, an
// error as {"error", "code"} on stderr; and an error says in its last words what to do, with an
// exit code that [ExitCodes] documents.
//
// Commands that only look (assets, graph, runs, events) read definitions and records and never
// resolve the repository: no resource is set up and no store is made by looking. A request is
// checked before anything is opened.
//
// A terminal sees a live view of a run: what has scrolled by, and below it a block that is drawn
// again ten times a second in one write each, so that nothing flickers. The cursor is never
// hidden and no mode of the terminal is changed, so there is nothing to restore, whatever ends the
// process. What the assets print themselves goes above the block. A pipe gets one plain line an
// event, so that logs stay readable and nothing depends on the width of a window.
//
// The first Ctrl-C cancels the context of whatever runs and says so, the second ends the process
// where it stands: what is recorded by then stays recorded, and the store is sound.
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

// Main runs the program of a repository with the arguments of the process and exits. In a process
// that was started for one step of a run it does that step, see [rivers.CodeRepository.ServeStep].
func Main(repo *rivers.CodeRepository) {
	repo.ServeStep()
	os.Exit(run(newApp(repo, os.Stdout, os.Stderr), os.Args[1:]))
}

// StoreMain runs the program that reads a store without any user's code, with more commands if
// there are any, and exits.
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
