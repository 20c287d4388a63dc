package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/metadata"
)

// maxSampleRows is the number of rows of a table that a terminal shows.
const maxSampleRows = 20

// fact is a label with a text, or with rows if those are shorter to read.
type fact struct {
	label string
	text  string
	rows  *term.Table
	more  string // said below the rows
}

// metadataFacts returns metadata as facts, sorted by key.
func (a *app) metadataFacts(m metadata.Map) []fact {
	facts := make([]fact, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		v, err := metadata.Of(m[key])
		if err != nil {
			facts = append(facts, fact{label: key, text: a.Paint(term.Red, "invalid: ") + printable(err.Error())})
			continue
		}
		f := fact{label: printable(key)}
		switch v.Kind() {
		case metadata.KindSchema:
			f.rows = schemaRows(v)
		case metadata.KindTable:
			a.addSample(&f, v)
		case metadata.KindColumnLineage:
			f.rows = lineageRows(v)
		case metadata.KindMarkdown:
			f.text = a.markdownText(v.String())
		case metadata.KindJSON:
			f.text = documentText(v.String(), a.Width())
		default:
			f.text = valueText(key, v)
		}
		if f.rows != nil && len(f.rows.Head) == 0 {
			f.rows, f.text = nil, "no columns"
		}
		facts = append(facts, f)
	}
	return facts
}

// metadataLine formats metadata on one line. For tables it gives the number of rows.
func metadataLine(m metadata.Map) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		text := fmt.Sprint(m[k])
		if v, err := metadata.Of(m[k]); err == nil {
			switch raw := v.Raw().(type) {
			case metadata.TableData:
				text = term.Count(len(raw.Rows), "row", "rows")
			case []metadata.Column:
				text = term.Count(len(raw), "column", "columns")
			case []metadata.Derivation:
				text = term.Count(len(raw), "column", "columns")
			}
		}
		parts = append(parts, fmt.Sprintf("%s=%s", printable(k), term.OneLine(printable(text), 30)))
	}
	return strings.Join(parts, " ")
}

// printFacts prints facts below each other. Rows and long texts start below their label.
func (a *app) printFacts(facts []fact, indent int) {
	label := 0
	for i := range facts {
		label = max(label, min(term.Cells(facts[i].label), 32))
	}
	margin := strings.Repeat(" ", indent)
	for i := range facts {
		f := &facts[i]
		name := margin + a.Paint(term.Grey, f.label)
		switch {
		case f.rows != nil:
			a.Println(name)
			f.rows.Indent = indent + 2
			a.PrintTable(f.rows)
			if f.more != "" {
				a.Printf("%s  %s\n", margin, a.Paint(term.Grey, f.more))
			}
		case strings.Contains(f.text, "\n"):
			a.Printf("%s\n%s  %s\n", name, margin, strings.ReplaceAll(f.text, "\n", "\n"+margin+"  "))
		default:
			a.Printf("%s%s  %s\n", name, strings.Repeat(" ", max(label-term.Cells(f.label), 0)), term.Dash(f.text))
		}
	}
}

// valueText formats a value for people.
func valueText(key string, v metadata.Value) string {
	switch raw := v.Raw().(type) {
	case time.Duration:
		if raw > 0 {
			return term.Duration(raw)
		}
	case time.Time:
		return term.Instant(raw)
	case float64:
		if key == metadata.KeyWriteDuration && raw > 0 {
			return term.Duration(time.Duration(raw * float64(time.Second)))
		}
	}
	return printable(v.String())
}

// printable replaces characters that move a cursor or change colours.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// markdownText returns Markdown as written, with bold headings.
func (a *app) markdownText(text string) string {
	lines := strings.Split(strings.TrimSpace(printable(text)), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "#") {
			lines[i] = a.Paint(term.Bold, line)
		}
	}
	return strings.Join(lines, "\n")
}

// documentText formats a document on one line if it fits, otherwise on several.
func documentText(text string, width int) string {
	if term.Cells(text) <= width/2 {
		return printable(text)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		return printable(text)
	}
	return printable(b.String())
}

// schemaRows returns one row per column. It omits attributes that no column has.
func schemaRows(v metadata.Value) *term.Table {
	columns, _ := v.Raw().([]metadata.Column)
	said := map[string]bool{"column": len(columns) > 0}
	rows := make([]map[string]string, len(columns))
	for i, c := range columns {
		var rules []string
		if c.Nullable {
			rules = append(rules, "nullable")
		}
		if c.Unique {
			rules = append(rules, "unique")
		}
		rows[i] = map[string]string{
			"column": c.Name, "type": c.Type, "rules": strings.Join(rules, ", "), "tags": tagLine(c.Tags), "description": c.Description,
		}
		for field, text := range rows[i] {
			said[field] = said[field] || text != ""
		}
	}
	t := &term.Table{}
	for _, field := range []string{"column", "type", "rules", "tags", "description"} {
		if said[field] {
			t.Head = append(t.Head, field)
		}
	}
	for _, row := range rows {
		shown := make([]any, len(t.Head))
		for i, field := range t.Head {
			shown[i] = line(row[field])
		}
		t.Add(shown...)
	}
	return t
}

// lineageRows returns one row per column.
func lineageRows(v metadata.Value) *term.Table {
	derivations, _ := v.Raw().([]metadata.Derivation)
	t := &term.Table{Head: []string{"column", "made of"}}
	for _, d := range derivations {
		t.Add(line(d.Column), line(d.Origins()))
	}
	return t
}

// addSample adds the rows of a table: all for a pipe, the first for a terminal.
func (a *app) addSample(f *fact, v metadata.Value) {
	data, _ := v.Raw().(metadata.TableData)
	f.rows = &term.Table{Exact: true}
	for _, c := range data.Columns {
		f.rows.Head = append(f.rows.Head, line(c.Name))
	}
	shown := data.Rows
	if a.Interactive && len(shown) > maxSampleRows {
		shown = shown[:maxSampleRows]
		f.more = fmt.Sprintf("… %s more; --json has all", term.Counted(int64(len(data.Rows)-len(shown)), "row", "rows"))
	}
	for _, row := range shown {
		texts := make([]any, len(row))
		for i, c := range row {
			texts[i] = cellText(c)
		}
		f.rows.Add(texts...)
	}
}

// cellText formats a cell of a table: empty for a missing value, JSON for a document.
func cellText(c any) string {
	switch c := c.(type) {
	case nil:
		return ""
	case map[string]any, []any:
		doc, err := json.Marshal(c)
		if err != nil {
			return line(fmt.Sprint(c))
		}
		return line(string(doc))
	default:
		return line(fmt.Sprint(c))
	}
}

// line returns a text on one line.
func line(text string) string { return strings.ReplaceAll(printable(text), "\n", " ") }
