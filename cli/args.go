package cli

import (
	"fmt"
	"iter"
	"strings"

	"github.com/rivers-go/rivers/internal/nearest"
	"github.com/spf13/cobra"
)

// group returns a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: unknownSubcommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	c.AddCommand(children...)
	return c
}

// suggestion returns " (did you mean ...?)" if a name is close, otherwise nothing.
func suggestion(want string, have iter.Seq[string]) string {
	if near, ok := nearest.Name(want, have); ok {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

func unknownSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	names := func(yield func(string) bool) {
		for _, c := range cmd.Commands() {
			if !c.Hidden && !yield(c.Name()) {
				return
			}
		}
	}
	return usagef("%s has no command %q%s: see %s --help", cmd.CommandPath(), args[0], suggestion(args[0], names), cmd.CommandPath())
}

// noArgs accepts no arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments (got %q): see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// oneArg accepts one argument, twoArgs two, maybeArg at most one. The usage line names them.
func oneArg(cmd *cobra.Command, args []string) error { return wantArgs(cmd, args, "one", 1, 1) }

func twoArgs(cmd *cobra.Command, args []string) error {
	return wantArgs(cmd, args, "two arguments,", 2, 2)
}

func maybeArg(cmd *cobra.Command, args []string) error {
	return wantArgs(cmd, args, "at most one", 0, 1)
}

func wantArgs(cmd *cobra.Command, args []string, number string, low, high int) error {
	if low <= len(args) && len(args) <= high {
		return nil
	}
	_, what, _ := strings.Cut(cmd.Use, " ")
	return usagef("%s takes %s %s (got %d): see %s --help", cmd.CommandPath(), number, strings.Trim(what, "[]"), len(args), cmd.CommandPath())
}
