package term

import (
	"math"
	"strings"
)

// eighths are the blocks that fill one to eight eighths of a cell from below.
var eighths = [...]string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}

// bars draws numbers as columns, rows high and wide cells across. The least number is one eighth of
// a row high and the greatest fills all rows. Equal numbers fill half.
func bars(values []float64, rows, wide int) []string {
	if len(values) == 0 {
		return nil
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	top := rows * len(eighths)
	lines := make([]string, rows)
	for i := range lines {
		floor := (rows - 1 - i) * len(eighths) // eighths below this row
		var b strings.Builder
		for _, v := range values {
			block := " "
			if n := height(v, low, high, top) - floor; n > 0 {
				block = eighths[min(n, len(eighths))-1]
			}
			b.WriteString(strings.Repeat(block, max(wide-1, 1)) + strings.Repeat(" ", min(wide-1, 1)))
		}
		lines[i] = b.String()
	}
	return lines
}

// height returns the height of a number between low and high in eighths, from 1 to top.
func height(v, low, high float64, top int) int {
	if low == high {
		return max(top/2, 1)
	}
	part := (v/2 - low/2) / (high/2 - low/2) // halves, so that the difference does not overflow
	return 1 + int(math.Round(part*float64(top-1)))
}

// Spark draws the last width numbers on one line.
func Spark(values []float64, width int) string {
	values = values[max(len(values)-width, 0):]
	return strings.Join(bars(values, 1, 1), "")
}

// Chart draws numbers with the labels of the least and the greatest at the side. It drops the first
// numbers if the width is too small for all, and widens the columns if there are few.
func Chart(values []float64, low, high string, rows, width int) []string {
	side := max(Cells(low), Cells(high))
	room := max(width-side-2, 1)
	values = values[max(len(values)-room, 0):]
	wide := min(max(room/max(len(values), 1), 1), 4)
	lines := bars(values, rows, wide)
	for i, line := range lines {
		label, edge := "", "│"
		switch {
		case i == 0:
			label, edge = high, "┤"
		case i == len(lines)-1:
			label, edge = low, "┤"
		}
		lines[i] = strings.TrimRight(strings.Repeat(" ", side-Cells(label))+label+" "+edge+line, " ")
	}
	return lines
}
