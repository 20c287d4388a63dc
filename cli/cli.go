// Package cli makes a program of a repository: its own validate, materialize, runs and so on.
//
// Main reads the arguments and sets the exit code; every command is a thin reading of flags around
// one call of the repository or its storage. Three rules hold for all of them: what a person asked
// for goes to stdout and everything else to stderr; --json prints one document for programs; and
// an error says in its last words what to do, with an exit code that [ExitCodes] documents.
//
// A terminal sees a live view of a run. A pipe gets one plain line an event, so that logs stay
// readable and nothing depends on the width of a window.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rivers-go/rivers"
)

// Main runs the program of a repository with the arguments of the process and exits.
func Main(repo *rivers.CodeRepository) {
	os.Exit(run(newApp(repo, os.Stdout, os.Stderr), os.Args[1:]))
}

// StoreMain runs the program that reads a store without any user's code, and exits.
func StoreMain(more ...*cobra.Command) {
	a := newApp(nil, os.Stdout, os.Stderr)
	a.more = more
	os.Exit(run(a, os.Args[1:]))
}

// app is what all commands of one program share.
type app struct {
	repo     *rivers.CodeRepository // nil for a program without definitions
	more     []*cobra.Command
	out, err io.Writer
	terminal bool // out is a terminal that understands escapes
	width    func() int
	json     bool
	noColor  bool
	storage  string
	// close closes the store that the repository was resolved on.
	close func() error
	// exit ends the process at once; tests replace it.
	exit func(code int)
}

func newApp(repo *rivers.CodeRepository, out, errs *os.File) *app {
	return &app{
		repo: repo, out: out, err: errs, exit: os.Exit,
		terminal: term.IsTerminal(int(out.Fd())) && os.Getenv("TERM") != "dumb",
		width: func() int {
			w, _, err := term.GetSize(int(out.Fd()))
			if err != nil || w <= 0 {
				return 80
			}
			return w
		},
	}
}

// run executes one command line and returns the exit code.
func run(a *app, args []string) int {
	ctx, stop := a.interruptible(context.Background())
	defer stop()
	root := a.command()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if a.repo != nil {
		if closeErr := a.repo.Close(); err == nil {
			err = closeErr
		}
	}
	if a.close != nil {
		if closeErr := a.close(); err == nil {
			err = closeErr
		}
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
				fmt.Fprintln(a.err, string(doc))
				return code
			}
		}
		fmt.Fprintln(a.err, a.paint(red, "error: ")+shown)
	}
	return code
}

// interruptible returns a context that the first SIGINT or SIGTERM cancels; the second ends the
// process at once.
func (a *app) interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var once sync.Once
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			fmt.Fprintf(a.err, "\n%s: canceling, running steps have 20 seconds to stop; press Ctrl-C again to stop at once\n", s)
			cancel(fmt.Errorf("%w by %s", errInterrupted, s))
		case <-done:
			return
		}
		select {
		case <-signals:
			fmt.Fprintln(a.err, "stopped at once; what was recorded stays recorded")
			a.exit(exitCanceled)
		case <-done:
		}
	}()
	return ctx, func() {
		once.Do(func() {
			signal.Stop(signals)
			close(done)
			cancel(nil)
		})
	}
}

// printJSON prints one document.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
