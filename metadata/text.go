package metadata

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// String returns the value as a person wants to read it: a size as 1.5 MiB, a duration as 1m30s, a
// schema and the lineage of columns on one line, a table with a line for each row. Use
// [Value.AppendJSON] for what has to be read back.
func (v Value) String() string {
	switch v.kind {
	case KindNull:
		return "null"
	case KindInt:
		return strconv.FormatInt(int64(v.num), 10)
	case KindFloat:
		return strconv.FormatFloat(math.Float64frombits(v.num), 'g', -1, 64)
	case KindBool:
		return strconv.FormatBool(v.num == 1)
	case KindDuration:
		return time.Duration(v.num).String()
	case KindSize:
		return sizeText(int64(v.num))
	case KindJSON:
		return jsonText(v.text)
	case KindSchema:
		return schemaText(v.columns())
	case KindTable:
		return tableText(v.table())
	case KindColumnLineage:
		return lineageText(v.derivations())
	case KindInvalid:
		return "invalid: " + v.text
	default:
		return v.text
	}
}

// sizeText is a number of bytes in the largest unit that leaves a whole one.
func sizeText(bytes int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	f, unit := float64(bytes), 0
	for math.Abs(f) >= 1024 && unit < len(units)-1 {
		f, unit = f/1024, unit+1
	}
	if unit == 0 {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[unit]
}

// jsonText is a document without the escapes that are there for browsers.
func jsonText(text string) string {
	if !strings.Contains(text, `\u`) {
		return text
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var document any
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := decoder.Decode(&document); err != nil {
		return text
	}
	if err := encoder.Encode(document); err != nil {
		return text
	}
	return strings.TrimSuffix(out.String(), "\n")
}
