package cli

import (
	"fmt"
	"iter"
	"strings"

	"github.com/rivers-go/rivers/internal/nearest"
	"github.com/spf13/cobra"
)

// group is a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: unknownSubcommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	c.AddCommand(children...)
	return c
}

// suggestion is " (did you mean ...?)" where a name is close, else nothing.
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

// noArgs refuses arguments where a command takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, and was given %q: see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// oneArg and twoArgs want as many arguments, which the command's usage line names; maybeArg at most
// one.
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
	return usagef("%s takes %s %s, and was given %d: see %s --help", cmd.CommandPath(), number, strings.Trim(what, "[]"), len(args), cmd.CommandPath())
}
