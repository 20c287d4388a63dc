package cli

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) eventsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "events RUN", Short: "Print every recorded event of a run", Args: oneArg, ValidArgsFunction: a.completeRuns,
		Long: "Print every recorded event of a run. RUN is an id, its beginning, or latest.\n--json prints a list of them.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.showEvents(cmd.Context(), args[0]) },
	}
}

// eventDoc is an event with the names of what it is about.
type eventDoc struct {
	N       int64             `json:"n"`
	At      time.Time         `json:"at"`
	Kind    storage.EventKind `json:"kind"`
	Step    string            `json:"step,omitempty"`
	Attempt int32             `json:"attempt,omitempty"`
	RetryAt time.Time         `json:"retry_at,omitzero"`
	// Partition is the key of the one that the event is about; Partitions, where there are several,
	// say which for people.
	Partition  string          `json:"partition,omitempty"`
	Partitions string          `json:"partitions,omitempty"`
	Detail     json.RawMessage `json:"detail,omitempty"`
}

func (a *app) showEvents(ctx context.Context, name string) error {
	return a.withRun(ctx, name, func(_ storage.Reader, r *view.Run) error {
		docs := make([]eventDoc, len(r.Events))
		for i := range r.Events {
			e := &r.Events[i]
			docs[i] = eventDoc{
				N: e.N, At: e.At.Time(), Kind: e.Kind, Attempt: e.Attempt, RetryAt: e.RetryAt.Time(), Partition: e.Partition, Detail: e.Detail,
			}
			if at := int(e.Step); at >= 0 && at < len(r.Steps) {
				docs[i].Step = r.Steps[at].Step
			}
			docs[i].sayPartitions(e)
		}
		if a.json {
			return a.PrintJSON(docs)
		}
		t := term.Table{Head: []string{"n", "at", "event", "step", "partition", "attempt", "detail"}}
		for _, d := range docs {
			t.Add(d.N, d.At.Local().Format("15:04:05.000000"), d.Kind, term.Dash(d.Step), term.Dash(term.OneLine(d.Partition+d.Partitions, 40)), d.Attempt, term.OneLine(string(d.Detail), 80))
		}
		a.PrintTable(&t)
		return nil
	})
}

// sayPartitions takes the set of partitions out of the detail, where it is not for people.
func (d *eventDoc) sayPartitions(e *storage.Event) {
	detail, err := storage.ParseDetail(e.Detail)
	if err != nil || detail.Partitions.IsEmpty() { // what is no detail is shown as it is
		return
	}
	if d.Partition == "" {
		d.Partitions = strings.Trim(detail.Partitions.String(), "{}")
	}
	detail.Partitions = partition.Set{}
	d.Detail = detail.AppendJSON(nil)
}
