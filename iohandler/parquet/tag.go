package parquet

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// tag is the parsed `parquet:"…"` of a field.
type tag struct {
	name             string
	skip             bool
	decimal          bool
	precision, scale int32
	time, date       bool // declared as a timestamp or a date
	unit             arrow.TimeUnit
	zone             string
}

// plain is the tag of what has none: a value in a list, a map, or behind a key.
var plain = tag{unit: arrow.Microsecond, zone: "UTC"}

const tagOptions = "want decimal(precision,scale), timestamp(ms|us|ns), timestamp(us,Zone/Name) or date"

// parseTag reads the tag of a field.
func parseTag(field reflect.StructField) (tag, error) {
	text := field.Tag.Get("parquet")
	t := plain
	t.name = field.Name
	if text == "-" {
		t.skip = true
		return t, nil
	}
	name, rest, _ := strings.Cut(text, ",")
	if name != "" {
		t.name = name
	}
	for rest != "" {
		var option string
		option, rest = nextOption(rest)
		if err := t.apply(option); err != nil {
			return t, fmt.Errorf("tag `parquet:%q`: %w", text, err)
		}
	}
	return t, nil
}

// nextOption cuts at the first comma that is not in parentheses.
func nextOption(text string) (option, rest string) {
	depth := 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				return text[:i], text[i+1:]
			}
		}
	}
	return text, ""
}

func (t *tag) apply(option string) error {
	word, arguments, hasArguments := strings.Cut(strings.TrimSpace(option), "(")
	if hasArguments {
		var closed bool
		if arguments, closed = strings.CutSuffix(arguments, ")"); !closed {
			return fmt.Errorf("option %q has no closing parenthesis", option)
		}
	}
	switch word {
	case "decimal":
		return t.applyDecimal(arguments)
	case "timestamp":
		unit, zone, hasZone := strings.Cut(arguments, ",")
		units := map[string]arrow.TimeUnit{"ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}
		known, ok := units[unit]
		if !ok {
			return fmt.Errorf("unknown unit %q: %s", unit, tagOptions)
		}
		t.time, t.unit = true, known
		if hasZone {
			t.zone = zone
		}
		return nil
	case "date":
		t.time, t.date = true, true
		return nil
	default:
		return fmt.Errorf("unknown option %q: %s", option, tagOptions)
	}
}

func (t *tag) applyDecimal(arguments string) error {
	left, right, _ := strings.Cut(arguments, ",")
	precision, err1 := strconv.ParseInt(strings.TrimSpace(left), 10, 32)
	scale, err2 := strconv.ParseInt(strings.TrimSpace(right), 10, 32)
	if err1 != nil || err2 != nil || precision < 1 || precision > 38 || scale < 0 || scale > precision {
		return fmt.Errorf("decimal(%s): want decimal(precision,scale) with a precision of 1 to 38 and a scale of 0 to the precision, such as decimal(38,2)", arguments)
	}
	t.decimal, t.precision, t.scale = true, int32(precision), int32(scale)
	return nil
}
