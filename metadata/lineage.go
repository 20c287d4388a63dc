package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ColumnRef names a column of an asset.
type ColumnRef struct {
	Asset  string `json:"asset"`
	Column string `json:"column"`
}

// Derivation lists the upstream columns of a column. From is empty for one that comes from
// none: a constant, the time of loading.
type Derivation struct {
	Column string      `json:"column"`
	From   []ColumnRef `json:"from"`
}

// ColumnLineage lists the derivation of each column, in order. Columns
// that are not mentioned have no known origin. If a name is empty, or a column is there twice or
// names one of its origins twice, the value is invalid: see [Value.Err].
func ColumnLineage(columns ...Derivation) Value {
	text := []byte{'['}
	columnsSeen := make(map[string]bool, len(columns))
	for i, c := range columns {
		c.Column = textual(KindText, c.Column).text
		switch {
		case c.Column == "":
			return invalid(fmt.Errorf("column %d of the lineage has no name: give each its name", i+1))
		case columnsSeen[c.Column]:
			return invalid(fmt.Errorf("column %q is in the lineage twice: give it once, with all that it is made of", c.Column))
		}
		columnsSeen[c.Column] = true
		if i > 0 {
			text = append(text, ',')
		}
		var err error
		if text, err = c.append(text); err != nil {
			return invalid(fmt.Errorf("lineage of column %q: %w", c.Column, err))
		}
	}
	return Value{kind: KindColumnLineage, text: string(append(text, ']'))}
}

// append appends the stored form of a column's derivation.
func (d Derivation) append(dst []byte) ([]byte, error) {
	dst = append(dst, `{"column":`...)
	dst = appendString(dst, d.Column)
	dst = append(dst, `,"from":[`...)
	seen := make(map[ColumnRef]bool, len(d.From))
	for i, from := range d.From {
		from = ColumnRef{textual(KindText, from.Asset).text, textual(KindText, from.Column).text}
		switch {
		case from.Asset == "" && from.Column == "":
			return nil, errors.New("one of its origins is empty: name an asset and a column of it")
		case from.Asset == "":
			return nil, fmt.Errorf("column %q that it is made of has no asset: name the one that it is in", from.Column)
		case from.Column == "":
			return nil, fmt.Errorf("no column of asset %q that it is made of is named: name it", from.Asset)
		case seen[from]:
			return nil, fmt.Errorf("it is made of column %q of asset %q twice: give that once", from.Column, from.Asset)
		}
		seen[from] = true
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"asset":`...)
		dst = appendString(dst, from.Asset)
		dst = append(dst, `,"column":`...)
		dst = appendString(dst, from.Column)
		dst = append(dst, '}')
	}
	return append(dst, "]}"...), nil
}

// derivations are the columns of a lineage.
func (v Value) derivations() []Derivation {
	derivations := []Derivation{}
	_ = json.Unmarshal([]byte(v.text), &derivations) // ColumnLineage wrote it
	return derivations
}

// lineageText describes a lineage for people: "id ← users.id; total ← orders.price, orders.tax".
func lineageText(derivations []Derivation) string {
	parts := make([]string, len(derivations))
	for i, d := range derivations {
		parts[i] = d.Column + " ← " + d.Origins()
	}
	return strings.Join(parts, "; ")
}

// Origins returns what the column is made of, for people: "orders.price, orders.tax", or "nothing
// upstream".
func (d Derivation) Origins() string {
	if len(d.From) == 0 {
		return "nothing upstream"
	}
	from := make([]string, len(d.From))
	for i, ref := range d.From {
		from[i] = ref.Asset + "." + ref.Column
	}
	return strings.Join(from, ", ")
}
