package graph

import (
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// NotMade explains why a step was skipped, by the key of the step that it is due to and the outcome
// of that: "failed", "skipped" or "canceled". Any other made not all, or is a check that did not
// pass.
func NotMade(step, outcome string) string {
	asset, check, judges := storage.SplitCheck(step)
	what := fmt.Sprintf("upstream %q", step)
	if judges {
		what = fmt.Sprintf("check %q of %q", check, asset)
	}
	switch {
	case outcome == "failed":
		return what + " failed"
	case outcome == "skipped" || outcome == "canceled":
		return what + " was " + outcome
	case judges:
		return what + " did not pass"
	}
	return what + " did not make what it reads"
}
