package metadata

import (
	"fmt"
	"strconv"
)

// Kind is what a [Value] is. It is a small integer that is stored by its word.
type Kind uint8

// The kinds, with the words they are stored by.
const (
	KindNull      Kind = iota // null: nothing
	KindInt                   // int: a whole number
	KindFloat                 // float: a number
	KindBool                  // bool: true or false
	KindText                  // text: plain text
	KindMarkdown              // markdown: text to be rendered
	KindURL                   // url: a link
	KindPath                  // path: of a file or an object
	KindJSON                  // json: anything nested
	KindTimestamp             // timestamp: an instant, stored in RFC 3339
	KindDuration              // duration: a length of time, stored in nanoseconds
	KindSize                  // size: a number of bytes
	KindSchema                // schema: the columns of some data
	KindTable                 // table: columns and rows
	KindInvalid               // invalid: a mistake, stored as its message

	KindColumnLineage // column_lineage: the upstream columns of each column
)

// lastKind is the newest kind: they are only ever added.
const lastKind = KindColumnLineage

// String returns the word for the kind.
func (k Kind) String() string {
	switch k { // a switch, not a slice: this is on the hot path
	case KindNull:
		return "null"
	case KindInt:
		return "int"
	case KindFloat:
		return "float"
	case KindBool:
		return "bool"
	case KindText:
		return "text"
	case KindMarkdown:
		return "markdown"
	case KindURL:
		return "url"
	case KindPath:
		return "path"
	case KindJSON:
		return "json"
	case KindTimestamp:
		return "timestamp"
	case KindDuration:
		return "duration"
	case KindSize:
		return "size"
	case KindSchema:
		return "schema"
	case KindTable:
		return "table"
	case KindInvalid:
		return "invalid"
	case KindColumnLineage:
		return "column_lineage"
	default:
		return "kind(" + strconv.Itoa(int(k)) + ")"
	}
}

// MarshalText returns the word for the kind, and an error for a number that is
// none.
func (k Kind) MarshalText() ([]byte, error) {
	if k > lastKind {
		return nil, fmt.Errorf("metadata: %s is no kind: the last is %s", k, lastKind)
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads the word for a kind, and returns an error for any other.
func (k *Kind) UnmarshalText(text []byte) error {
	found, ok := kindOf(string(text))
	if !ok {
		return fmt.Errorf("metadata: %q is no kind: write one like %s, %s or %s", text, KindInt, KindText, KindTable)
	}
	*k = found
	return nil
}

// kindOf finds the kind of a word.
func kindOf(word string) (Kind, bool) {
	for k := range lastKind + 1 {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}
