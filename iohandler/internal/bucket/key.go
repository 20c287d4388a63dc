package bucket

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/rivers-go/rivers/partition"
)

// segmentMax bounds a segment, so that it fits in a file name of 255 bytes with what a temporary
// file adds.
const segmentMax = 180

// Key returns the object that a value's name means: the bucket's prefix, the name, and ext (with
// its dot). Equal keys mean equal names. A key holds only letters, digits and - _ . = ~ of ASCII,
// and / between segments, so any store and any file system takes it; every other byte is written ~
// and two hex digits. A slash divides segments up to the first bracket: what stands in brackets is
// a person's text. A segment that would be too long for a file name ends in a hash.
//
// The objects of partitions lie below the name: orders/2026-01-31.cbor, or with dimensions
// orders/day=2026-01-31/shop=a.cbor. The zero partition is that of a value without.
//
// The name of a write stands behind them: orders/2026-01-31~k3f9a2bcde.cbor. It begins with a
// lower-case letter, so it is no escape. A disk keeps such objects in a tree of its own, see
// [Bucket.Write]. Without a write the key is that of a value which was stored without one.
func (b *Bucket) Key(name string, of partition.Key, write, ext string) string {
	var key strings.Builder
	key.WriteString(b.prefix)
	path, instance := name, ""
	if at := strings.IndexByte(name, '['); at >= 0 {
		path, instance = name[:at], name[at:]
	}
	segments := strings.Split(path, "/")
	if !of.IsZero() {
		segments[len(segments)-1] += instance
		segments, instance = append(segments, below(of)...), ""
	}
	for _, segment := range segments[:len(segments)-1] {
		// A directory never looks like an object: "a.cbor/b" must not stand in the way of "a".
		key.WriteString(bounded(escape(segment, false)) + "/")
	}
	last := segments[len(segments)-1] + instance
	key.WriteString(bounded(escape(last, true)))
	if write != "" {
		key.WriteString("~" + write)
	}
	key.WriteString(ext)
	return key.String()
}

// below are the segments of a partition.
func below(of partition.Key) []string {
	dimensions := of.Dimensions()
	if len(dimensions) == 0 {
		return []string{strings.Join(of.Values(""), ",")}
	}
	segments := make([]string, len(dimensions))
	for i, name := range dimensions {
		segments[i] = name + "=" + strings.Join(of.Values(name), ",")
	}
	return segments
}

// escape writes a segment; a dot may stay, but not in front, where it hides a file or means a
// directory.
func escape(segment string, dots bool) string {
	if segment == "" {
		return "~" // no escape, so no other segment is written like it
	}
	var out strings.Builder
	for i := range len(segment) {
		c := segment[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '=', c == '.' && dots && i > 0:
			out.WriteByte(c)
		default:
			out.WriteByte('~')
			out.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}
	return out.String()
}

func bounded(segment string) string {
	if len(segment) <= segmentMax {
		return segment
	}
	sum := sha256.Sum256([]byte(segment))
	return segment[:segmentMax-50] + "~-" + hex.EncodeToString(sum[:16])
}

// cleanPrefix returns the prefix as a path that ends in a slash, or nothing.
func cleanPrefix(prefix string) string {
	var out strings.Builder
	for segment := range strings.SplitSeq(prefix, "/") {
		if segment != "" {
			out.WriteString(bounded(escape(segment, true)) + "/")
		}
	}
	return out.String()
}

// cutWrite splits a key into the one without its write, and the write; empty for none.
func cutWrite(key string) (plain, write string) {
	dir := strings.LastIndexByte(key, '/') + 1
	for at := len(key) - 2; at >= dir; at-- {
		if key[at] != '~' || key[at+1] < 'a' || key[at+1] > 'z' {
			continue
		}
		end := at + 1
		for end < len(key) && key[end] != '.' {
			end++
		}
		return key[:at] + key[end:], key[at+1 : end]
	}
	return key, ""
}
