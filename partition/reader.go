package partition

import (
	"encoding/binary"
	"errors"
)

var errTruncated = errors.New("ends too early")

// reader reads bytes that may be anything. After its first error it reads zeroes, so
// that it is asked once. It never allocates more than there is to read.
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

// bytes is the next n bytes, nil if there are not so many.
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

// count is a number of things of which each takes so many bytes at least.
func (r *reader) count(each int) int {
	v := r.uvarint()
	if v > uint64(len(r.rest)/each) {
		r.fail(errTruncated)
		return 0
	}
	return int(v)
}

func (r *reader) text() string { return string(r.bytes(r.count(1))) }
