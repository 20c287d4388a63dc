package postgres

import (
	"encoding/binary"

	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// row is one row of an answer to the writer, all columns binary. It is valid until the function that was given it
// returns; texts and documents are copies.
type row struct{ values [][]byte }

// integer returns an integer of any width; NULL is zero.
func (r row) integer(column int) int64 { return integer(r.values[column]) }

// boolean returns a boolean; NULL is false.
func (r row) boolean(column int) bool { return integer(r.values[column]) != 0 }

// text returns a decoded text; NULL is empty.
func (r row) text(column int) string { return pgtext.Decode(string(r.values[column])) }

// document returns a decoded JSON document, nil for NULL.
func (r row) document(column int) []byte {
	if r.values[column] == nil {
		return nil
	}
	return pgtext.DecodeBytes(append([]byte{}, r.values[column]...))
}

// bytes returns the bytes of a bytea, nil for NULL. They are not copied.
func (r row) bytes(column int) []byte { return r.values[column] } //nolint:unparam // rows happen to have their sets in one place

// integers calls a function with each element of an array; NULL is zero.
func (r row) integers(column int, each func(int64)) {
	elements(r.values[column], func(element []byte) { each(integer(element)) })
}

// texts calls a function with each decoded element of an array; NULL is empty.
func (r row) texts(column int, each func(string)) {
	elements(r.values[column], func(element []byte) { each(pgtext.Decode(string(element))) })
}

// byteas calls a function with each element of an array, nil for NULL. The bytes are not copied.
func (r row) byteas(column int, each func([]byte)) { elements(r.values[column], each) }

// integer reads a binary integer of any width, or a boolean; NULL is zero.
func integer(b []byte) int64 {
	switch len(b) {
	case 8:
		return int64(binary.BigEndian.Uint64(b))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 1:
		return int64(b[0])
	}
	return 0
}

// elements calls a function with each element of an array, nil for NULL.
func elements(array []byte, each func(element []byte)) {
	const header = 20
	for at := header; at+4 <= len(array); {
		n := int(int32(binary.BigEndian.Uint32(array[at:])))
		at += 4
		if n < 0 {
			each(nil)
			continue
		}
		each(array[at : at+n])
		at += n
	}
}
