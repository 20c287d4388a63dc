package metadata

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the stored form, {"kind":"int","value":5}, to dst and returns
// it. It uses no reflection and allocates only where dst has to grow. The same
// value always gives the same bytes.
func (v Value) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"kind":"`...)
	dst = append(dst, v.kind.String()...)
	dst = append(dst, `","value":`...)
	dst = v.appendContent(dst)
	return append(dst, '}')
}

// MarshalJSON returns the stored form. It never fails: an invalid value is stored as
// its message.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// appendContent appends what stands under "value".
func (v Value) appendContent(dst []byte) []byte {
	switch v.kind {
	case KindInt, KindSize, KindDuration:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case KindFloat:
		return appendFloat(dst, math.Float64frombits(v.num))
	case KindBool:
		return strconv.AppendBool(dst, v.num == 1)
	case KindJSON, KindSchema, KindTable, KindColumnLineage:
		return append(dst, v.text...)
	case KindNull:
		return append(dst, "null"...)
	default:
		return appendString(dst, v.text)
	}
}

// appendFloat appends the shortest number that reads back the same, and a word for
// what JSON has no number for.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"+Inf"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Inf"`...)
	default:
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	}
}

// appendString appends a JSON string. It escapes what encoding/json escapes, also
// what HTML and JavaScript trip over, so that passing through json.Marshal changes
// nothing.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' || c == '"':
			dst = append(append(dst, s[from:i]...), '\\', c)
		case c < ' ' || c == '<' || c == '>' || c == '&':
			dst = append(append(dst, s[from:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c == 0xe2 && i+2 < len(s) && s[i+1] == 0x80 && s[i+2]&^1 == 0xa8: // U+2028, U+2029
			dst = append(append(dst, s[from:i]...), '\\', 'u', '2', '0', '2', hex[s[i+2]&15])
			i += 2
		default:
			continue
		}
		from = i + 1
	}
	return append(append(dst, s[from:]...), '"')
}

// canonical is the one text of a JSON document that this package keeps: without
// white space and escaped as json.Marshal escapes, so that neither storing nor
// embedding it changes a byte. The order of keys is the author's.
func canonical(encoded []byte) string {
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, encoded); err != nil {
		return "null" // only what json has checked comes here
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return string(bytes.ToValidUTF8(escaped.Bytes(), []byte(string(utf8.RuneError))))
}
