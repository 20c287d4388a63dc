package audit

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// backfills checks each backfill's record by itself, and against how many of its runs are recorded.
func (a *Audit) backfills() error {
	type backfill struct {
		id   string
		runs int64
	}
	rows, err := list(a, func(r *backfill) []any { return []any{&r.id, &r.runs} }, `
		SELECT backfill.id, (SELECT count(*) FROM run WHERE run.backfill = backfill.id AND run.backfill <> '')
		FROM backfill ORDER BY backfill.key`)
	if err != nil {
		return err
	}
	for _, r := range rows {
		rec, err := a.dialect.Backfill(a.ctx, r.id)
		if err != nil {
			a.Found("backfill %q: %v", r.id, err)
			continue
		}
		a.backfill(&rec, r.runs)
	}
	return nil
}

// runBackfills looks for runs of backfills that are not recorded.
func (a *Audit) runBackfills() error {
	type of struct{ run, backfill string }
	rows, err := list(a, func(r *of) []any { return []any{&r.run, &r.backfill} }, `
		SELECT run.id, run.backfill FROM run
		WHERE run.backfill <> '' AND NOT EXISTS (SELECT 1 FROM backfill WHERE backfill.id = run.backfill)
		ORDER BY run.key`)
	for _, r := range rows {
		a.Found("run %q belongs to backfill %q, which is not recorded", r.run, r.backfill)
	}
	return err
}

func (a *Audit) backfill(rec *storage.BackfillRecord, runs int64) {
	found := func(format string, args ...any) *Finding {
		return a.Found("backfill %q "+format, append([]any{rec.ID}, args...)...)
	}
	p := &rec.Progress
	if ended := rec.State.Terminal(); ended != !rec.EndedAt.IsZero() {
		found("is %s, and its end is %s", rec.State, orNever(rec))
	}
	if rec.State.Terminal() && !rec.LeaseUntil.IsZero() {
		found("is %s and still leased to %q", rec.State, rec.Owner).
			Mend(a.exec(`UPDATE backfill SET lease_until = 0 WHERE key = $1`, int64(rec.Key)), "backfill %q has ended: its lease was ended too", rec.ID)
	}
	for _, pair := range [...]struct {
		one, other string
		a, b       partition.Set
	}{
		{"completed", "failed", p.Completed, p.Failed}, {"completed", "canceled", p.Completed, p.Canceled}, {"failed", "canceled", p.Failed, p.Canceled},
	} {
		if both := pair.a.Intersect(pair.b); !both.IsEmpty() {
			found("has %s both %s and %s", both, pair.one, pair.other)
		}
	}
	for _, part := range [...]struct {
		word  string
		set   partition.Set
		count int64
	}{
		{"completed", p.Completed, p.CompletedCount},
		{"failed", p.Failed, p.FailedCount},
		{"canceled", p.Canceled, p.CanceledCount},
		{"skipped", p.Skipped, p.SkippedCount},
	} {
		if part.set.IsEmpty() != (part.count == 0) || part.count < 0 {
			found("counts %d %s partitions, and the set of them is %s", part.count, part.word, part.set)
		}
	}
	settled := p.Completed.Union(p.Failed).Union(p.Canceled).Union(p.Skipped)
	if stray := settled.Union(p.Submitted).Minus(rec.Partitions); !stray.IsEmpty() {
		found("has %s, which are not among its partitions", stray)
	}
	if sum := p.CompletedCount + p.FailedCount + p.CanceledCount; sum > rec.Total { // what has ended has skipped the rest
		found("is %s and counts %d completed, %d failed and %d canceled of %d partitions", rec.State, p.CompletedCount, p.FailedCount, p.CanceledCount, rec.Total)
	}
	if runs > p.Runs {
		found("counts %d runs, %d are recorded", p.Runs, runs)
	}
}

func orNever(rec *storage.BackfillRecord) string {
	if rec.EndedAt.IsZero() {
		return "not recorded"
	}
	return rec.EndedAt.Format("2006-01-02T15:04:05Z")
}
