package cli

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

func took(r *storage.RunRecord) string {
	if r.StartedAt.IsZero() || r.EndedAt.IsZero() {
		return "-"
	}
	return term.Duration(r.EndedAt.Sub(r.StartedAt))
}

// withRun calls f with the run of an id, the beginning of an id, or latest.
func (a *app) withRun(ctx context.Context, name string, f func(s storage.Reader, r *view.Run) error) error {
	return a.withStore(ctx, func(s storage.Reader) error {
		r, err := view.OpenRun(ctx, s, name)
		if err != nil {
			return err
		}
		return f(s, r)
	})
}

func tagLine(tags map[string]string) string {
	var parts []string
	for k, v := range tags {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// counts formats the outcomes that occurred.
func counts(c storage.StepCounts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Succeeded, "succeeded"}, {c.Failed, "failed"}, {c.Skipped, "skipped"}, {c.Canceled, "canceled"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// completeRunFlag completes the value of a flag that names a run.
func (a *app) completeRunFlag(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return a.completeRuns(cmd, nil, prefix)
}

// completeRuns completes the ids of recent runs.
func (a *app) completeRuns(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	err := a.withStore(cmd.Context(), func(s storage.Reader) error {
		runs, err := s.ListRuns(cmd.Context(), storage.RunQuery{Limit: 50})
		for i := range runs {
			if strings.HasPrefix(runs[i].ID, prefix) {
				ids = append(ids, runs[i].ID+"\t"+runs[i].State.String()+" "+term.Instant(runs[i].CreatedAt))
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// lookEvery is the interval at which a waiting command reads a run.
const lookEvery = 100 * time.Millisecond

// whoami names the user for records: ann@laptop.
func whoami() string {
	name := "somebody"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
