package storage

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON string. It is the loop that every event goes through, so it
// copies runs of plain bytes at once and needs no reflection.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[plain:i]...), "\uFFFD"...)
				plain = i + size
			}
			i += size
			continue
		}
		dst = append(dst, s[plain:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		plain = i
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

// appendTextField appends name, which brings comma and colon, and the text; nothing if it is empty.
func appendTextField(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	return appendText(append(dst, name...), text)
}

// appendTextsField appends name, which brings comma and colon, and the map with sorted keys;
// nothing if it is empty.
func appendTextsField(dst []byte, name string, texts map[string]string) []byte {
	if len(texts) == 0 {
		return dst
	}
	dst = append(append(dst, name...), '{')
	var few [8]string // an output seldom has more tags or inputs: no allocation for them
	keys := few[:0]
	for k := range texts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, k), ':')
		dst = appendText(dst, texts[k])
	}
	return append(dst, '}')
}

// appendList appends the texts as a JSON array.
func appendList(dst []byte, texts []string) []byte {
	dst = append(dst, '[')
	for i, t := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, t)
	}
	return append(dst, ']')
}

// AppendPlan appends the steps as a JSON array to dst and returns the result, which encoding/json
// reads back. It appends nothing for a plan without steps. A plan is the one document of a run that
// grows with it, so it is written without reflection.
func AppendPlan(dst []byte, plan []PlanStep) []byte {
	if len(plan) == 0 {
		return dst
	}
	for i := range plan {
		step := &plan[i]
		if i == 0 {
			dst = append(dst, '[')
		} else {
			dst = append(dst, ',')
		}
		dst = appendText(append(dst, `{"key":`...), step.Key)
		if len(step.Assets) > 0 {
			dst = appendList(append(dst, `,"assets":`...), step.Assets)
		}
		for j, index := range step.After {
			if j == 0 {
				dst = append(dst, `,"after":[`...)
			} else {
				dst = append(dst, ',')
			}
			dst = strconv.AppendInt(dst, int64(index), 10)
		}
		if len(step.After) > 0 {
			dst = append(dst, ']')
		}
		if step.Mapped {
			dst = append(dst, `,"mapped":true`...)
		}
		if step.Check {
			dst = append(dst, `,"check":true`...)
		}
		if !step.Partitions.IsEmpty() {
			dst, _ = step.Partitions.AppendText(append(dst, `,"partitions":"`...)) // never fails
			dst = append(dst, '"')
		}
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	return dst
}
