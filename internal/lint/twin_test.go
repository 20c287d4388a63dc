package lint

import (
	"strings"
	"testing"
)

// maxTwinLines is how many lines storage/sqlite and storage/postgres may have in common. It only falls.
const maxTwinLines = 140

// minTwinLine is the length from which a line counts: shorter ones are braces and returns.
const minTwinLine = 24

func TestBackendsShareNoLines(t *testing.T) {
	lines := map[string]int{}
	for _, s := range production(t) {
		if s.dir() == "storage/sqlite" {
			for _, line := range s.codeLines() {
				lines[line]++
			}
		}
	}
	twins := 0
	for _, s := range production(t) {
		if s.dir() != "storage/postgres" {
			continue
		}
		for _, line := range s.codeLines() {
			if lines[line] > 0 {
				lines[line]--
				twins++
			}
		}
	}
	switch {
	case twins > maxTwinLines:
		t.Errorf("storage/sqlite and storage/postgres have %d lines in common, the budget is %d: decide in storage/internal/ledger, "+
			"convert in storage/internal/record, check in storage/internal/audit", twins, maxTwinLines)
	case twins < maxTwinLines:
		t.Errorf("storage/sqlite and storage/postgres have %d lines in common: write that down as the budget of %d, which only falls", twins, maxTwinLines)
	}
}

// codeLines returns the lines of a hand-written file that count, without indentation, comments and imports.
func (s source) codeLines() []string {
	if s.generated {
		return nil
	}
	var lines []string
	for line := range strings.Lines(s.text) {
		code, _, _ := strings.Cut(line, "//")
		code = strings.Join(strings.Fields(code), " ")
		if len(code) >= minTwinLine && !strings.HasPrefix(code, `"`) {
			lines = append(lines, code)
		}
	}
	return lines
}
