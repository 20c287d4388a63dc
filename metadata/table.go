package metadata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Column describes one column of some data.
type Column struct {
	Name        string `json:"name"`
	Type        string `json:"type"`                 // in the words of whatever holds the data
	Description string `json:"description,omitzero"` // for people; may be empty
	Nullable    bool   `json:"nullable,omitzero"`    // values may be missing
	Unique      bool   `json:"unique,omitzero"`      // no value is there twice
	// Tags say more of the column to programs: "pii": "true". It may be nil.
	Tags map[string]string `json:"tags,omitempty"`
}

// TableData is what [Value.Raw] returns of a table: each row has a cell for each
// column. A cell is nil, bool, int64, float64, string, [json.Number] (a number
// that fits neither) or what [json.Unmarshal] makes of something nested.
type TableData struct {
	Columns []Column `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// Schema is the columns of some data, in their order.
func Schema(columns ...Column) Value {
	return Value{kind: KindSchema, text: string(appendColumns(nil, columns))}
}

// Table is a small table for people to look at: a sample, a summary. A cell is
// anything that [Of] takes. Numbers, bools and texts stay what they are; a time, a
// duration, and a float that is no number become text. If a row has not as many
// cells as there are columns, or a cell has no form, the value is invalid: see
// [Value.Err].
func Table(columns []Column, rows [][]any) Value {
	text := appendColumns([]byte(`{"columns":`), columns)
	text = append(text, `,"rows":[`...)
	for i, row := range rows {
		if len(row) != len(columns) {
			return invalid(fmt.Errorf("row %d of the table has %d cells: give one for each of the %d columns", i+1, len(row), len(columns)))
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, '[')
		for j, cell := range row {
			if j > 0 {
				text = append(text, ',')
			}
			v, err := cellOf(cell)
			if err != nil {
				return invalid(fmt.Errorf("row %d of the table, column %q: %w", i+1, columns[j].Name, err))
			}
			text = v.appendContent(text)
		}
		text = append(text, ']')
	}
	return Value{kind: KindTable, text: string(append(text, "]}"...))}
}

// cellOf is the value of a cell. Cells have no kind of their own, so what would be
// a bare number of nanoseconds is made readable.
func cellOf(cell any) (Value, error) {
	v, err := Of(cell)
	if err == nil && v.kind == KindDuration {
		return Text(time.Duration(v.num).String()), nil
	}
	return v, err
}

func appendColumns(dst []byte, columns []Column) []byte {
	dst = append(dst, '[')
	for i, c := range columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"name":`...)
		dst = appendString(dst, textual(KindText, c.Name).text)
		dst = append(dst, `,"type":`...)
		dst = appendString(dst, textual(KindText, c.Type).text)
		if c.Description != "" {
			dst = append(dst, `,"description":`...)
			dst = appendString(dst, textual(KindText, c.Description).text)
		}
		if c.Nullable {
			dst = append(dst, `,"nullable":true`...)
		}
		if c.Unique {
			dst = append(dst, `,"unique":true`...)
		}
		dst = appendTags(dst, c.Tags)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendTags appends the tags of a column in the order of their keys. Of keys that become the same
// text, the first counts.
func appendTags(dst []byte, tags map[string]string) []byte {
	if len(tags) == 0 {
		return dst
	}
	valid := make(map[string]string, len(tags)) // sorted after it is made valid, which may change the order
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		text := textual(KindText, key).text
		if _, taken := valid[text]; !taken {
			valid[text] = textual(KindText, tags[key]).text
		}
	}
	dst = append(dst, `,"tags":`...)
	for i, key := range slices.Sorted(maps.Keys(valid)) {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		dst = appendString(append(dst, separator), key)
		dst = append(dst, ':')
		dst = appendString(dst, valid[key])
	}
	return append(dst, '}')
}

// columns are the columns of a schema.
func (v Value) columns() []Column {
	columns := []Column{}
	_ = json.Unmarshal([]byte(v.text), &columns) // Schema wrote it
	return columns
}

// table is the content of a table.
func (v Value) table() TableData {
	data := TableData{Columns: []Column{}, Rows: [][]any{}}
	decoder := json.NewDecoder(strings.NewReader(v.text))
	decoder.UseNumber()
	_ = decoder.Decode(&data) // Table wrote it
	for _, row := range data.Rows {
		for j, cell := range row {
			row[j] = number(cell)
		}
	}
	return data
}

// number is the Go number of a cell that is one, if it fits.
func number(cell any) any {
	written, ok := cell.(json.Number)
	if !ok {
		return cell
	}
	if n, err := strconv.ParseInt(string(written), 10, 64); err == nil {
		return n
	}
	if !strings.ContainsAny(string(written), ".eE") {
		return written // a whole number beyond 64 bits
	}
	if f, err := strconv.ParseFloat(string(written), 64); err == nil {
		return f
	}
	return written
}

// schemaText describes columns for people: "id int64, name string nullable".
func schemaText(columns []Column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c.Name
		if c.Type != "" {
			parts[i] += " " + c.Type
		}
		if c.Nullable {
			parts[i] += " nullable"
		}
		if c.Unique {
			parts[i] += " unique"
		}
	}
	return strings.Join(parts, ", ")
}

// tableText draws a table for people, a line for each row.
func tableText(data TableData) string {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	line := func(cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	cells := make([]string, len(data.Columns))
	for i, c := range data.Columns {
		cells[i] = c.Name
	}
	line(cells)
	for _, row := range data.Rows {
		for i, cell := range row {
			cells[i] = ""
			if cell != nil {
				cells[i] = strings.NewReplacer("\t", " ", "\n", " ").Replace(fmt.Sprint(cell))
			}
		}
		line(cells)
	}
	_ = w.Flush() // into memory
	return strings.TrimRight(out.String(), "\n")
}
