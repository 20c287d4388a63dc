package cli

import (
	"os"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/spf13/cobra"
)

// app is the state that all commands of one program share.
type app struct {
	*term.Terminal
	repo    *rivers.CodeRepository // nil for a program without definitions
	more    []*cobra.Command
	json    bool
	storage string
}

func newApp(repo *rivers.CodeRepository, out, errs *os.File) *app {
	return &app{Terminal: term.New(out, errs), repo: repo}
}
