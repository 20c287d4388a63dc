// Package metadata describes data beside the data itself: row counts,
// sizes, schemas, links, notes.
//
// A [Value] knows what it means, not only what it holds: a size is not a row
// count, a duration is not a number, Markdown is not text, so a page can draw each
// the way a person wants to see it and a chart can put a unit on its axis. Users
// write plain Go values in a [Map], and [Of] finds the kind:
//
//	metadata.Map{"rows": len(users), "took": time.Since(begin), "sample": metadata.Markdown(head)}
//
// A Value never changes and is comparable: what is nested (JSON, schemas, tables)
// is kept as its encoded text. Encoding, which happens for every step of every
// run, is therefore a copy into the caller's buffer; decoding, which happens when
// somebody looks, pays for it.
//
// The stored form is {"kind":"int","value":5}. A kind this release does not know,
// written by a newer one beside it, is read as JSON, so that an old process can
// still show it.
package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Value is one piece of metadata. Values are immutable and comparable with ==:
// equal kind, equal content (all NaNs are equal, 0 and -0 are not; two times are equal
// if their instant and their offset from UTC are). The zero Value is null.
type Value struct {
	kind Kind
	num  uint64 // int, bool, duration and size as they are, float as its bits
	text string // texts as they are, a timestamp in RFC 3339, nested kinds as canonical JSON
}

// Int is a whole number.
func Int(n int64) Value { return Value{kind: KindInt, num: uint64(n)} }

// Float is a number; NaN and the infinities are kept.
func Float(f float64) Value {
	if math.IsNaN(f) {
		f = math.NaN() // one of the many, so that == sees no difference
	}
	return Value{kind: KindFloat, num: math.Float64bits(f)}
}

// Bool is true or false.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Text is plain text. Bytes that are not UTF-8 are replaced by U+FFFD, here and in
// every other text.
func Text(s string) Value { return textual(KindText, s) }

// Markdown is text to be rendered as Markdown.
func Markdown(s string) Value { return textual(KindMarkdown, s) }

// URL is a link. A password in it is replaced by ***, for metadata is read by many.
func URL(u string) Value { return textual(KindURL, redacted(u)) }

// Path is the path of a file or an object.
func Path(p string) Value { return textual(KindPath, p) }

// Duration is a length of time.
func Duration(d time.Duration) Value { return Value{kind: KindDuration, num: uint64(d)} }

// Size is a number of bytes.
func Size(bytes int64) Value { return Value{kind: KindSize, num: uint64(bytes)} }

// Timestamp is an instant and the offset from UTC of where it was taken, to the
// nanosecond. The name of the zone is not kept; an offset that RFC 3339 has no way to write
// becomes UTC, and a year outside 0 to 9999 becomes the nearest in it.
func Timestamp(t time.Time) Value {
	const day = 24 * 60 * 60
	if _, offset := t.Zone(); offset%60 != 0 || offset <= -day || offset >= day {
		t = t.UTC()
	}
	switch y := t.Year(); {
	case y < 0:
		t = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	case y > 9999:
		t = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	}
	return Value{kind: KindTimestamp, text: t.Format(time.RFC3339Nano)}
}

// JSON is whatever v encodes to. If v does not encode, the value is invalid: see
// [Value.Err].
func JSON(v any) Value {
	encoded, err := guarded(func() ([]byte, error) { return json.Marshal(v) })
	if err != nil {
		return invalid(fmt.Errorf("a value of Go type %T has no JSON form (%w): give a number, a text, a time, or something that encodes", v, err))
	}
	return Value{kind: KindJSON, text: canonical(encoded)}
}

// Kind returns what the value is.
func (v Value) Kind() Kind { return v.kind }

// Number returns the content as a number for charts and comparisons: an int or a float
// as it is, a size in bytes, a duration in seconds. It is false for any other kind, and for
// a float that is NaN or infinite, which has no place on a chart. A whole number beyond 2^53
// loses its last digits.
func (v Value) Number() (float64, bool) {
	switch v.kind {
	case KindInt, KindSize:
		return float64(int64(v.num)), true
	case KindDuration:
		return time.Duration(v.num).Seconds(), true
	case KindFloat:
		f := math.Float64frombits(v.num)
		return f, !math.IsNaN(f) && !math.IsInf(f, 0)
	default:
		return 0, false
	}
}

// Err returns why the value is invalid: a JSON value that did not encode, a table whose rows do not
// fit its columns, or a column lineage with a gap. Constructors have no error of their own, so that
// they can be written inside a [Map]; [Map.Normalize] reports it. It is nil for a valid value.
func (v Value) Err() error {
	if v.kind != KindInvalid {
		return nil
	}
	return errors.New(v.text)
}

// Raw returns the content as a Go value: nil, int64 (int, size), float64, bool, string (text,
// markdown, URL, path), [time.Time], [time.Duration], [json.RawMessage] (JSON), [][Column]
// (schema), [TableData] (table), [][Derivation] (column lineage), and an error for an invalid
// value. What it returns may be changed without changing the value.
func (v Value) Raw() any {
	switch v.kind {
	case KindInt, KindSize:
		return int64(v.num)
	case KindFloat:
		return math.Float64frombits(v.num)
	case KindBool:
		return v.num == 1
	case KindText, KindMarkdown, KindURL, KindPath:
		return v.text
	case KindTimestamp:
		return v.time()
	case KindDuration:
		return time.Duration(v.num)
	case KindJSON:
		return json.RawMessage(v.text)
	case KindSchema:
		return v.columns()
	case KindTable:
		return v.table()
	case KindColumnLineage:
		return v.derivations()
	case KindInvalid:
		return v.Err()
	default:
		return nil
	}
}

// time is the instant of a timestamp.
func (v Value) time() time.Time {
	t, _ := time.Parse(time.RFC3339Nano, v.text) // Timestamp wrote it
	return t
}

// textual is a value that is a text, made valid.
func textual(kind Kind, s string) Value {
	return Value{kind: kind, text: strings.ToValidUTF8(s, string(utf8.RuneError))}
}

// invalid is the value that stands for a mistake until somebody reports it.
func invalid(err error) Value { return textual(KindInvalid, err.Error()) }

// redacted is the URL without its password. It is cut as text, not parsed and
// printed, so that what is no URL stays what it is.
func redacted(u string) string {
	_, rest, ok := strings.Cut(u, "://")
	if !ok {
		return u
	}
	scheme := u[:len(u)-len(rest)]
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return u
	}
	user, _, ok := strings.Cut(authority[:at], ":")
	if !ok {
		return u
	}
	return scheme + user + ":***" + rest[at:]
}

// guarded calls into a user's method; a panic of it becomes an error.
func guarded[T any](call func() (T, error)) (result T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("its method panicked: %v", r)
		}
	}()
	return call()
}
