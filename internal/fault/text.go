package fault

import (
	"fmt"
	"iter"
	"strings"

	"github.com/rivers-go/rivers/internal/nearest"
)

// Suggestion returns the known name nearest to want, as ` (did you mean "users"?)`. It returns an
// empty text when no name is close enough.
func Suggestion(want string, have iter.Seq[string]) string {
	if near, ok := nearest.Name(want, have); ok {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// Listed returns names after their label, as "modes: none, only".
func Listed(label string, names []string) string {
	if len(names) == 0 {
		return "there are no " + label
	}
	return label + ": " + strings.Join(names, ", ")
}

// Quoted returns a name in double quotes, with special characters escaped.
func Quoted(name string) string { return fmt.Sprintf("%q", name) }

// QuotedList returns names in double quotes, separated by commas.
func QuotedList(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = Quoted(n)
	}
	return strings.Join(q, ", ")
}
