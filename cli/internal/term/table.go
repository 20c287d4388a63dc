package term

import (
	"fmt"
	"slices"
	"strings"
)

// Colour is the ANSI escape of a colour.
type Colour string

// The colours, readable on light and dark backgrounds.
const (
	Red    Colour = "\x1b[31m"
	Green  Colour = "\x1b[32m"
	Yellow Colour = "\x1b[33m"
	Grey   Colour = "\x1b[90m"
	Bold   Colour = "\x1b[1m"
	reset         = "\x1b[0m"
)

// Paint colours a text for a terminal; for a pipe it returns the text.
func (t *Terminal) Paint(c Colour, text string) string {
	if !t.Interactive || t.NoColor || text == "" {
		return text
	}
	return string(c) + text + reset
}

// StateColour returns the colour of a run state or of the outcome of a step.
func StateColour(word string) Colour {
	switch word {
	case "success", "succeeded":
		return Green
	case "failure", "failed":
		return Red
	case "running", "retrying", "waiting", "canceled", "canceling":
		return Yellow
	default:
		return Grey
	}
}

// Table is a table of text, aligned when printed.
type Table struct {
	Head   []string
	Rows   [][]Cell
	Indent int  // columns left free before each row
	Exact  bool // print Head as written, not in capitals
}

// Cell is a text in a table and its colour, "" for none.
type Cell struct {
	Text  string
	Paint Colour
}

// Add appends a row. A value that is not a Cell is formatted by fmt.Sprint.
func (t *Table) Add(cells ...any) {
	row := make([]Cell, len(cells))
	for i, c := range cells {
		if shown, ok := c.(Cell); ok {
			row[i] = shown
		} else {
			row[i] = Cell{Text: fmt.Sprint(c)}
		}
		row[i].Text = inCell(row[i].Text)
	}
	t.Rows = append(t.Rows, row)
}

// inCell returns a text as it is in a table: of one line, and without orders, which have no width.
func inCell(text string) string { return strings.ReplaceAll(cleaned(text, true), "\n", " ") }

// PrintTable prints a table. A terminal cuts each row at the width of its window.
func (t *Terminal) PrintTable(rows *Table) {
	widths := make([]int, len(rows.Head))
	rows.Head = slices.Clone(rows.Head)
	for i, h := range rows.Head {
		rows.Head[i] = inCell(h)
		widths[i] = Cells(rows.Head[i])
	}
	for _, row := range rows.Rows {
		for i, c := range row {
			widths[i] = max(widths[i], Cells(c.Text))
		}
	}
	head := make([]Cell, len(rows.Head))
	for i, h := range rows.Head {
		if !rows.Exact {
			h = strings.ToUpper(h)
		}
		head[i] = Cell{Text: h, Paint: Grey}
	}
	t.printRow(head, widths, rows.Indent)
	for _, row := range rows.Rows {
		t.printRow(row, widths, rows.Indent)
	}
}

func (t *Terminal) printRow(row []Cell, widths []int, indent int) {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", indent))
	for i, c := range row {
		text := c.Text
		if i < len(row)-1 {
			text += strings.Repeat(" ", widths[i]-Cells(c.Text)+2)
		}
		if c.Paint != "" {
			text = t.Paint(c.Paint, text)
		}
		b.WriteString(text)
	}
	line := strings.TrimRight(b.String(), " ")
	if t.Interactive {
		line = cut(line, t.Width())
	}
	t.Println(line)
}
