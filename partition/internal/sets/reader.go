package sets

import (
	"encoding/binary"
	"errors"
)

var errTruncated = errors.New("ends too early")

// reader reads untrusted bytes. After its first error it returns zeroes, so callers check err once.
// It never allocates more than the bytes left.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// bytes returns the next n bytes, nil if fewer are left.
func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) || n < 0 {
		r.fail(errTruncated)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail(errTruncated)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail(errTruncated)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count returns a number of elements that take at least each bytes.
func (r *reader) count(each int) int {
	v := r.uvarint()
	if v > uint64(len(r.rest)/each) {
		r.fail(errTruncated)
		return 0
	}
	return int(v)
}

func (r *reader) text() string { return string(r.bytes(r.count(1))) }
