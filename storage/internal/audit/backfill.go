package audit

import (
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Backfill judges a backfill's record by itself and by how many runs of it are recorded. FreeLease clears the lease of
// one that has ended.
func Backfill(rec *storage.BackfillRecord, runs int64, freeLease func() error) []Finding {
	var findings []Finding
	found := func(format string, args ...any) {
		findings = append(findings, Finding{Text: fmt.Sprintf("backfill %q ", rec.ID) + fmt.Sprintf(format, args...)})
	}
	p := &rec.Progress
	if ended := rec.State.Terminal(); ended != !rec.EndedAt.IsZero() {
		found("is %s, and its end is %s", rec.State, orNever(rec))
	}
	if rec.State.Terminal() && !rec.LeaseUntil.IsZero() {
		findings = append(findings, Finding{
			Text:   fmt.Sprintf("backfill %q is %s and still leased to %q", rec.ID, rec.State, rec.Owner),
			Mended: fmt.Sprintf("backfill %q has ended: its lease was ended too", rec.ID),
			Mend:   freeLease,
		})
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
		{"completed", p.Completed, p.CompletedCount}, {"failed", p.Failed, p.FailedCount}, {"canceled", p.Canceled, p.CanceledCount},
	} {
		if part.set.IsEmpty() != (part.count == 0) || part.count < 0 {
			found("counts %d %s partitions, and the set of them is %s", part.count, part.word, part.set)
		}
	}
	settled := p.Completed.Union(p.Failed).Union(p.Canceled)
	if stray := settled.Union(p.Submitted).Minus(rec.Partitions); !stray.IsEmpty() {
		found("has %s, which are not among its partitions", stray)
	}
	switch sum := p.CompletedCount + p.FailedCount + p.CanceledCount; {
	case sum > rec.Total, rec.State.Terminal() && sum != rec.Total:
		found("is %s and counts %d completed, %d failed and %d canceled of %d partitions", rec.State, p.CompletedCount, p.FailedCount, p.CanceledCount, rec.Total)
	case rec.State.Terminal() && !settled.Equal(rec.Partitions):
		found("is %s and says nothing of %s", rec.State, rec.Partitions.Minus(settled))
	}
	if runs > p.Runs {
		found("counts %d runs, %d are recorded", p.Runs, runs)
	}
	return findings
}

func orNever(rec *storage.BackfillRecord) string {
	if rec.EndedAt.IsZero() {
		return "not recorded"
	}
	return rec.EndedAt.Format("2006-01-02T15:04:05Z")
}
