package postgres

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// write is a statement that takes any number of rows at once: an array a column, unnested by the
// server. It is prepared once, whatever the number of rows, and rows go into it without a
// conversion in between.
type write[R any] struct {
	statement

	columns []column[R]
}

// column is one column of a write, made by [bigintOf] and its kin.
type column[R any] struct {
	name string
	kind kind
	// put appends the value of a row as an element of an array: its length in bytes, and the value.
	put func(dst []byte, row *R) []byte
}

// kind is the type of a column.
type kind struct {
	oid  uint32
	name string
}

var (
	bigints   = kind{20, "bigint"}
	integers4 = kind{23, "integer"}
	smallints = kind{21, "smallint"}
	booleans  = kind{16, "boolean"}
	texts     = kind{25, "text"}
	byteas    = kind{17, "bytea"}
)

func bigintOf[R any, T ~int64](name string, of func(*R) T) column[R] {
	return column[R]{name, bigints, func(dst []byte, r *R) []byte { return putInteger(dst, int64(of(r))) }}
}

func integerOf[R any, T ~int | ~int32](name string, of func(*R) T) column[R] {
	return column[R]{name, integers4, func(dst []byte, r *R) []byte {
		dst = binary.BigEndian.AppendUint32(dst, 4)
		return binary.BigEndian.AppendUint32(dst, uint32(of(r)))
	}}
}

func smallintOf[R any, T ~uint8](name string, of func(*R) T) column[R] {
	return column[R]{name, smallints, func(dst []byte, r *R) []byte {
		dst = binary.BigEndian.AppendUint32(dst, 2)
		return binary.BigEndian.AppendUint16(dst, uint16(of(r)))
	}}
}

func booleanOf[R any](name string, of func(*R) bool) column[R] {
	return column[R]{name, booleans, func(dst []byte, r *R) []byte {
		dst = binary.BigEndian.AppendUint32(dst, 1)
		if of(r) {
			return append(dst, 1)
		}
		return append(dst, 0)
	}}
}

func textOf[R any](name string, of func(*R) string) column[R] {
	return column[R]{name, texts, func(dst []byte, r *R) []byte { return putText(dst, of(r)) }}
}

// documentOf is a column of JSON documents, NULL where there is none.
func documentOf[R any](name string, of func(*R) []byte) column[R] {
	return column[R]{name, texts, func(dst []byte, r *R) []byte {
		if doc := of(r); len(doc) > 0 {
			return putText(dst, doc)
		}
		return putNull(dst)
	}}
}

func bytesOf[R any](name string, of func(*R) []byte) column[R] {
	return column[R]{name, byteas, func(dst []byte, r *R) []byte {
		b := of(r)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
		return append(dst, b...)
	}}
}

// unless is a column that is NULL in some rows, whose value is not asked for then.
func unless[R any](c column[R], null func(*R) bool) column[R] {
	put := c.put
	c.put = func(dst []byte, r *R) []byte {
		if null(r) {
			return putNull(dst)
		}
		return put(dst, r)
	}
	return c
}

// newWrite makes a write of an SQL text with the word ROWS in the place of the rows, which have
// the names of the columns.
func newWrite[R any](name, sql string, columns ...column[R]) *write[R] {
	arrays, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		arrays[i], names[i] = fmt.Sprintf("$%d::%s[]", i+1, c.kind.name), c.name
	}
	rows := "unnest(" + strings.Join(arrays, ", ") + ") AS new (" + strings.Join(names, ", ") + ")"
	return &write[R]{statement{name: "rivers_" + name, sql: strings.Replace(sql, "ROWS", rows, 1)}, columns}
}

// insert makes the write that adds rows to a table.
func insert[R any](table string, columns ...column[R]) *write[R] {
	return newWrite("insert_"+table, insertInto(table, columns), columns...)
}

// replace makes the write that adds rows to a table, or puts them in the place of those with the
// same key. No two of its rows may have the same.
func replace[R any](table, key string, columns ...column[R]) *write[R] {
	var set []string
	for _, c := range columns {
		if !strings.Contains(", "+key+",", ", "+c.name+",") {
			set = append(set, c.name+" = excluded."+c.name)
		}
	}
	sql := insertInto(table, columns) + " ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(set, ", ")
	return newWrite("replace_"+table, sql, columns...)
}

func insertInto[R any](table string, columns []column[R]) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	list := strings.Join(names, ", ")
	return "INSERT INTO " + table + " (" + list + ") SELECT " + list + " FROM ROWS"
}

// encoder has the memory in which parameters are made.
type encoder struct {
	arrays [][]byte
}

// keepAtMost is how much memory an array keeps for the next one.
const keepAtMost = 256 << 10

// array returns the n-th array, empty.
func (e *encoder) array(n int) []byte {
	for len(e.arrays) <= n {
		e.arrays = append(e.arrays, nil)
	}
	if cap(e.arrays[n]) > keepAtMost {
		e.arrays[n] = nil
	}
	return e.arrays[n][:0]
}

// send adds the write of rows to a pipeline, unless there are none.
func (w *write[R]) send(t *pipeline, e *encoder, rows []*R, row func(row)) {
	if len(rows) == 0 {
		return
	}
	for i := range w.columns {
		c := &w.columns[i]
		b := putHeader(e.array(i), c.kind, len(rows))
		for _, r := range rows {
			b = c.put(b, r)
		}
		e.arrays[i] = b
	}
	t.send(&w.statement, row, e.arrays[:len(w.columns)]...)
}

// putHeader begins an array of one dimension.
func putHeader(dst []byte, k kind, n int) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 1) // dimensions
	dst = binary.BigEndian.AppendUint32(dst, 1) // there may be NULLs
	dst = binary.BigEndian.AppendUint32(dst, k.oid)
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	return binary.BigEndian.AppendUint32(dst, 1) // the first index
}

func putInteger(dst []byte, n int64) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 8)
	return binary.BigEndian.AppendUint64(dst, uint64(n))
}

func putNull(dst []byte) []byte { return binary.BigEndian.AppendUint32(dst, 1<<32-1) }

// putText appends a text as it is kept.
func putText[T string | []byte](dst []byte, s T) []byte {
	at := len(dst)
	dst = pgtext.Append(append(dst, 0, 0, 0, 0), s)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// integers is an array as a parameter.
func integers[T ~int64](list []T) []byte {
	b := putHeader(nil, bigints, len(list))
	for _, n := range list {
		b = putInteger(b, int64(n))
	}
	return b
}

// textList is an array as a parameter.
func textList(list []string) []byte {
	b := putHeader(nil, texts, len(list))
	for _, s := range list {
		b = putText(b, s)
	}
	return b
}
