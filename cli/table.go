package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rivers-go/rivers/storage"
)

// colour is an ANSI escape of a colour that reads on light and dark backgrounds.
type colour string

const (
	red    colour = "\x1b[31m"
	green  colour = "\x1b[32m"
	yellow colour = "\x1b[33m"
	grey   colour = "\x1b[90m"
	bold   colour = "\x1b[1m"
	reset         = "\x1b[0m"
)

// paint colours a text on a terminal.
func (a *app) paint(c colour, text string) string {
	if !a.terminal || a.noColor || text == "" {
		return text
	}
	return string(c) + text + reset
}

// stateColour is the colour of a run state or a step's outcome.
func stateColour(word string) colour {
	switch word {
	case "success", "succeeded":
		return green
	case "failure", "failed":
		return red
	case "running", "retrying", "waiting", "canceled", "canceling":
		return yellow
	default:
		return grey
	}
}

// table is rows of cells, aligned when printed. A cell's colour does not count as width.
type table struct {
	head []string
	rows [][]cell
	// indent is how many cells stay free before a row, exact says that the head is printed as it is written.
	indent int
	exact  bool
}

type cell struct {
	text  string
	paint colour
}

func (t *table) add(cells ...any) {
	row := make([]cell, len(cells))
	for i, c := range cells {
		if shown, ok := c.(cell); ok {
			row[i] = shown
		} else {
			row[i] = cell{text: fmt.Sprint(c)}
		}
	}
	t.rows = append(t.rows, row)
}

// printTable prints rows that are cut where the window of a terminal ends; a pipe gets all of them.
func (a *app) printTable(t *table) {
	widths := make([]int, len(t.head))
	for i, h := range t.head {
		widths[i] = cells(h)
	}
	for _, row := range t.rows {
		for i, c := range row {
			widths[i] = max(widths[i], cells(c.text))
		}
	}
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		if !t.exact {
			h = strings.ToUpper(h)
		}
		head[i] = cell{text: h, paint: grey}
	}
	a.printRow(head, widths, t.indent)
	for _, row := range t.rows {
		a.printRow(row, widths, t.indent)
	}
}

func (a *app) printRow(row []cell, widths []int, indent int) {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", indent))
	for i, c := range row {
		text := c.text
		if i < len(row)-1 {
			text += strings.Repeat(" ", widths[i]-cells(c.text)+2)
		}
		if c.paint != "" {
			text = a.paint(c.paint, text)
		}
		b.WriteString(text)
	}
	line := strings.TrimRight(b.String(), " ")
	if a.terminal {
		line = cut(line, a.width())
	}
	fmt.Fprintln(a.out, line)
}

// duration prints a duration with as many digits as a person reads.
func duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// instant prints a time in the reader's zone.
func instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// counts prints the outcomes that occurred.
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

// words is an identifier as people read it.
func words(identifier string) string { return strings.ReplaceAll(identifier, "_", " ") }

// oneLine shortens a text to its first line and a width.
func oneLine(text string, width int) string {
	text, _, more := strings.Cut(text, "\n")
	if utf8.RuneCountInString(text) > width {
		return string([]rune(text)[:max(width-1, 0)]) + "…"
	}
	if more {
		text += " …"
	}
	return text
}
