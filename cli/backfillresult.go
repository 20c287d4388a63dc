package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/storage"
)

// watchBackfill runs a backfill, shows its progress and prints its result.
func (a *app) watchBackfill(verbose, dry bool, do func() (*rivers.BackfillResult, error)) error {
	stop := func() bool { return false }
	switch {
	case dry || a.json:
	case verbose:
		watching := a.watch(true)
		stop = func() bool { watching(); return false }
	default:
		stop = a.WatchProgress(a.repo.Listen)
	}
	res, err := do()
	told := stop()
	switch {
	case res == nil:
		return requestError(err)
	case dry && a.json:
		return a.PrintJSON(backfillDoc(res))
	case dry:
		a.printBackfillPlan(res)
		return nil
	}
	return a.finishBackfill(res, told, err)
}

// finishBackfill prints the result of a backfill, with the first failure if none was shown.
func (a *app) finishBackfill(res *rivers.BackfillResult, told bool, err error) error {
	if a.json {
		if printErr := a.PrintJSON(backfillDoc(res)); printErr != nil {
			return printErr
		}
	} else {
		a.printBackfill(res, told)
	}
	switch {
	case err == nil:
		return nil
	case res.State == storage.BackfillCompleted: // the partitions are fine, the record is not
		return &storageError{err}
	case res.State == storage.BackfillCanceled:
		return &failedError{err, exitCanceled}
	}
	return &failedError{err, exitFailed}
}

func (a *app) printBackfill(res *rivers.BackfillResult, told bool) {
	state := res.State.String()
	a.Printf("backfill %s%s %s in %s: %s of %s\n", res.ID, ofAction(res.Action), a.Paint(backfillColour(res.State), state), term.Duration(res.Duration),
		progressText(res.Completed, res.Failed, res.Skipped, res.Canceled), term.Counted(res.Total, "partition", "partitions"))
	if res.Error != "" && !told && res.State != storage.BackfillCompleted {
		a.Printf("\n%s\n", a.Paint(term.Red, res.Error))
	}
	if res.State.Terminal() && res.State != storage.BackfillCompleted {
		program := filepath.Base(os.Args[0])
		a.Printf("\nmore: %[1]s backfill show %[2]s\n      %[1]s backfill rerun %[2]s\n", program, res.ID)
	}
}

// ofAction returns " of action NAME", or nothing for a backfill that materializes.
func ofAction(action string) string {
	if action == "" {
		return ""
	}
	return fmt.Sprintf(" of action %q", action)
}

// progressText formats the counts of partitions.
func progressText(completed, failed, skipped, canceled int64) string {
	text := fmt.Sprintf("%d completed", completed)
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	if canceled > 0 {
		text += fmt.Sprintf(", %d canceled", canceled)
	}
	return text
}

func backfillColour(s storage.BackfillState) term.Colour {
	switch s {
	case storage.BackfillCompleted:
		return term.Green
	case storage.BackfillFailed:
		return term.Red
	case storage.BackfillCanceled, storage.BackfillInProgress, storage.BackfillCanceling:
		return term.Yellow
	default:
		return term.Grey
	}
}

// maxTexts is the number of ranges that a dry run prints.
const maxTexts = 20

func (a *app) printBackfillPlan(res *rivers.BackfillResult) {
	what := "would be made by"
	if res.Action != "" {
		what = fmt.Sprintf("would have %q done by", res.Action)
	}
	a.Printf("%s of %s %s %s; nothing was run\n", term.Counted(res.Total, "partition", "partitions"), strings.Join(res.Assets, ", "), what, term.Counted(res.Runs, "run", "runs"))
	for i, text := range res.Texts {
		if i == 0 {
			a.Println()
		}
		if i == maxTexts {
			a.Println(a.Paint(term.Grey, "…"))
			break
		}
		a.Println(text)
	}
}

// backfillDoc is the document of backfill --json.
func backfillDoc(res *rivers.BackfillResult) map[string]any {
	return map[string]any{
		"id": res.ID, "state": res.State, "action": res.Action, "assets": res.Assets, "total": res.Total, "completed": res.Completed, "failed": res.Failed,
		"skipped": res.Skipped, "canceled": res.Canceled, "runs": res.Runs, "error": res.Error, "duration_seconds": res.Duration.Seconds(),
		"partitions": slices.Concat([]string{}, res.Texts),
	}
}
