package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

// logFlags are the flags of runs logs.
type logFlags struct {
	step    string
	attempt int
	follow  bool
}

func (a *app) logsCommand() *cobra.Command {
	var f logFlags
	c := &cobra.Command{
		Use: "logs RUN", Short: "Print what the steps of a run logged and printed", Args: oneArg, ValidArgsFunction: a.completeRuns,
		Long: `Print what the steps of a run logged and printed. RUN is an id, its beginning, or latest. --json prints a list of lines;
with -f it prints one line of JSON per line.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.showLogs(cmd.Context(), args[0], f) },
	}
	c.Flags().StringVar(&f.step, "step", "", "only the lines of this step")
	c.Flags().IntVar(&f.attempt, "attempt", 0, "only the lines of this attempt, counted from 1")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "keep printing until the run ends")
	return c
}

// logDoc is a log line with the key of its step.
type logDoc struct {
	Step string `json:"step"`
	storage.LogLine
}

// logReader reads the lines of one run in pages.
type logReader struct {
	store storage.Reader
	run   storage.RunRecord
	q     storage.LogQuery
	keys  []string // of the steps, as far as the events tell
	want  logFlags
}

func (a *app) showLogs(ctx context.Context, name string, f logFlags) error {
	if f.attempt < 0 {
		return usagef("--attempt %d: attempts count from 1", f.attempt)
	}
	return a.withRun(ctx, name, func(s storage.Reader, r *view.Run) error {
		l := &logReader{store: s, run: r.RunRecord, want: f, q: storage.LogQuery{Run: r.Key, Limit: 1000}}
		for i := range r.Steps {
			l.keys = append(l.keys, r.Steps[i].Step)
		}
		if r.Lost.Has(storage.PruneLogs) {
			a.Say("log lines of run " + r.ID + " were pruned")
		}
		if err := l.choose(); err != nil {
			return err
		}
		if f.follow {
			return a.followLogs(ctx, l)
		}
		docs := []logDoc{}
		for {
			page, err := l.page(ctx)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			if a.json {
				docs = append(docs, page...)
			} else {
				a.printLogs(page)
			}
		}
		if a.json {
			return a.PrintJSON(docs)
		}
		return nil
	})
}

// choose finds the named step. Instances of a mapped step exist once it has expanded.
func (l *logReader) choose() error {
	if l.want.step == "" {
		return nil
	}
	at := slices.Index(l.keys, l.want.step)
	if at < 0 {
		return usagef("--step %q: unknown step of run %s%s: see runs show %s", l.want.step, l.run.ID, suggestion(l.want.step, slices.Values(l.keys)), l.run.ID)
	}
	index := int32(at)
	l.q.Step = &index
	return nil
}

// page returns the next lines, none if there are no new ones.
func (l *logReader) page(ctx context.Context) ([]logDoc, error) {
	for {
		lines, err := l.store.ListLogs(ctx, l.q)
		if err != nil || len(lines) == 0 {
			return nil, err
		}
		l.q.After = lines[len(lines)-1].N
		var docs []logDoc
		for i := range lines {
			if l.want.attempt > 0 && int(lines[i].Attempt) != l.want.attempt {
				continue
			}
			d := logDoc{LogLine: lines[i]}
			if err := l.name(ctx, &d); err != nil {
				return nil, err
			}
			docs = append(docs, d)
		}
		if len(docs) > 0 {
			return docs, nil
		}
	}
}

// name sets the key of the step of a line. It looks up mapped steps that expanded since.
func (l *logReader) name(ctx context.Context, d *logDoc) error {
	at := int(d.LogLine.Step)
	if at < 0 {
		return nil
	}
	if at >= len(l.keys) {
		events, err := l.store.ListEvents(ctx, storage.EventQuery{Run: l.run.Key})
		if err != nil {
			return err
		}
		steps, err := view.StepStates(&l.run, events)
		if err != nil {
			return err
		}
		l.keys = l.keys[:0]
		for i := range steps {
			l.keys = append(l.keys, steps[i].Step)
		}
	}
	if at < len(l.keys) {
		d.Step = l.keys[at]
	}
	return nil
}

func (a *app) printLogs(docs []logDoc) {
	for i := range docs {
		a.Println(a.LogLine(docs[i].Step, &docs[i].LogLine))
	}
}

// followLogs prints lines as they arrive, until the run has ended.
func (a *app) followLogs(ctx context.Context, l *logReader) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for ended := l.run.State.Terminal(); ; {
		page, err := l.page(ctx)
		if err != nil {
			return err
		}
		for i := range page {
			if a.json {
				if err := a.PrintJSONLine(page[i]); err != nil {
					return err
				}
			}
		}
		if !a.json {
			a.printLogs(page)
		}
		switch {
		case len(page) > 0:
			continue
		case ended:
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		run, err := l.store.GetRun(ctx, l.run.ID)
		if err != nil {
			return err
		}
		ended = run.State.Terminal()
	}
}
