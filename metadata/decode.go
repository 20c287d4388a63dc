package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// UnmarshalJSON reads the stored form. A kind that is not known becomes a JSON
// value that holds the whole object. As is the custom, null changes nothing.
func (v *Value) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	read, err := readValue(data)
	if err != nil {
		return fmt.Errorf("metadata: reading a value: %w", err)
	}
	*v = read
	return nil
}

// readValue reads the stored form.
func readValue(data []byte) (Value, error) {
	var stored struct {
		Kind  *string         `json:"kind"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(data, &stored); err != nil || stored.Kind == nil || stored.Value == nil {
		return Value{}, fmt.Errorf(`found %.60s: write it like {"kind":"int","value":5}`, data)
	}
	kind, known := kindOf(*stored.Kind)
	if !known {
		return Value{kind: KindJSON, text: canonical(data)}, nil
	}
	v, err := decode(kind, stored.Value)
	if err != nil {
		return Value{}, fmt.Errorf("kind %s: %w", kind, err)
	}
	return v, nil
}

// decode reads what stands under "value".
func decode(kind Kind, content json.RawMessage) (Value, error) {
	switch kind {
	case KindNull:
		if string(content) != "null" {
			return Value{}, fmt.Errorf("found %.60s: write null", content)
		}
		return Value{}, nil
	case KindInt, KindSize, KindDuration:
		n, err := strconv.ParseInt(string(content), 10, 64)
		if err != nil {
			return Value{}, fmt.Errorf("found %.60s: write a whole number of 64 bits", content)
		}
		return Value{kind: kind, num: uint64(n)}, nil
	case KindFloat:
		return decodeFloat(content)
	case KindBool:
		var b bool
		err := unmarshal(content, &b, "true or false")
		return Bool(b), err
	case KindJSON:
		return Value{kind: KindJSON, text: canonical(content)}, nil
	case KindSchema:
		var columns []Column
		err := unmarshal(content, &columns, `a list of columns, each with its "name" and "type"`)
		return Schema(columns...), err
	case KindTable:
		return decodeTable(content)
	case KindColumnLineage:
		var derivations []Derivation
		if err := unmarshal(content, &derivations, `a list of columns, each with its "column" and "from"`); err != nil {
			return Value{}, err
		}
		v := ColumnLineage(derivations...)
		return v, v.Err()
	default:
		return decodeText(kind, content)
	}
}

// decodeText reads the kinds that are stored as a string.
func decodeText(kind Kind, content json.RawMessage) (Value, error) {
	var s string
	if err := unmarshal(content, &s, "a string"); err != nil {
		return Value{}, err
	}
	switch kind {
	case KindURL:
		return URL(s), nil
	case KindTimestamp:
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return Value{}, fmt.Errorf("found %q: write it in RFC 3339, as in 2006-01-02T15:04:05Z", s)
		}
		return Timestamp(t), nil
	default:
		return textual(kind, s), nil
	}
}

// decodeFloat reads a number or the word for what JSON has no number for.
func decodeFloat(content json.RawMessage) (Value, error) {
	switch string(content) {
	case `"NaN"`:
		return Float(math.NaN()), nil
	case `"+Inf"`:
		return Float(math.Inf(1)), nil
	case `"-Inf"`:
		return Float(math.Inf(-1)), nil
	}
	f, err := strconv.ParseFloat(string(content), 64)
	if err != nil || content[0] == '"' {
		return Value{}, fmt.Errorf(`found %.60s: write a number of 64 bits, "NaN", "+Inf" or "-Inf"`, content)
	}
	return Float(f), nil
}

// decodeTable reads a table and keeps its cells as they were written.
func decodeTable(content json.RawMessage) (Value, error) {
	var stored struct {
		Columns []Column            `json:"columns"`
		Rows    [][]json.RawMessage `json:"rows"`
	}
	if err := unmarshal(content, &stored, `an object of "columns" and "rows"`); err != nil {
		return Value{}, err
	}
	rows := make([][]any, len(stored.Rows))
	for i, row := range stored.Rows {
		rows[i] = make([]any, len(row))
		for j, cell := range row {
			rows[i][j] = cell
		}
	}
	table := Table(stored.Columns, rows)
	return table, table.Err()
}

// unmarshal is json.Unmarshal with an error that gives the remedy. A null
// is no value of any kind but null.
func unmarshal(content json.RawMessage, dst any, want string) error {
	err := json.Unmarshal(content, dst)
	if err == nil && string(content) == "null" {
		err = errors.New("null")
	}
	if err != nil {
		return fmt.Errorf("found %.60s: write %s", content, want)
	}
	return nil
}
