package cron

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/rivers-go/rivers/internal/nearest"
)

// kind is one of the six fields.
type kind struct {
	name, plural string
	least, most  int
	names        []string // of the values from least on
	questionable bool     // may be written as ? as well
}

// kinds are the fields in the order in which they are written.
func kinds() [6]kind {
	return [6]kind{
		{name: "second", plural: "seconds", most: 59},
		{name: "minute", plural: "minutes", most: 59},
		{name: "hour", plural: "hours", most: 23},
		{name: "day of month", plural: "days of month", least: 1, most: 31, questionable: true},
		{
			name: "month", plural: "months", least: 1, most: 12,
			names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
		},
		{
			name: "day of week", plural: "days of week", most: 7,
			names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, questionable: true,
		},
	}
}

// field is the set of values at which a field fits.
type field struct {
	bits uint64
	star bool // written as *, so that it restricts nothing
}

func (f field) has(v int) bool { return f.bits>>v&1 != 0 }

// below is how many values of the field are less than v.
func (f field) below(v int) int { return bits.OnesCount64(f.bits & (1<<v - 1)) }

func (f field) len() int { return bits.OnesCount64(f.bits) }

// nth is the value that has n smaller ones in the field.
func (f field) nth(n int) int {
	b := f.bits
	for range n {
		b &= b - 1
	}
	return bits.TrailingZeros64(b)
}

// run is the field of the values from a to b, every step-th.
func run(a, b, step int) uint64 {
	var set uint64
	for v := a; v <= b; v += step {
		set |= 1 << v
	}
	return set
}

// parse reads the text of a field.
func (k kind) parse(text string) (field, error) {
	var f field
	for item := range strings.SplitSeq(text, ",") {
		part, err := k.item(item)
		if err != nil {
			return field{}, fmt.Errorf("%s %q: %w", k.name, text, err)
		}
		f.bits |= part.bits
		f.star = f.star || part.star
	}
	return f, nil
}

// item reads a value, a range or a star, with a step or without.
func (k kind) item(text string) (field, error) {
	base, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > k.most {
			return field{}, fmt.Errorf("the step is %q: write a number from 1 to %d after the /", stepText, k.most)
		}
	}
	if base == "*" || base == "?" && k.questionable {
		return field{bits: run(k.least, k.last(), step), star: step == 1}, nil
	}
	from, to, ranged := strings.Cut(base, "-")
	a, err := k.value(from)
	if err != nil {
		return field{}, err
	}
	b := a
	switch {
	case ranged:
		if b, err = k.value(to); err != nil {
			return field{}, err
		}
	case stepped:
		b = k.last()
	}
	if a > b {
		meant := field{bits: run(a, k.last(), 1) | run(k.least, b, 1)}
		return field{}, fmt.Errorf("%s runs backwards: write %s", base, meant.text())
	}
	return field{bits: run(a, b, step)}, nil
}

// last is the greatest value that does not name one a second time, as 7 does Sunday.
func (k kind) last() int {
	if k.names != nil {
		return k.least + len(k.names) - 1
	}
	return k.most
}

// value reads a number or a name.
func (k kind) value(text string) (int, error) {
	if i := slices.Index(k.names, strings.ToLower(text)); i >= 0 {
		return k.least + i, nil
	}
	v, err := strconv.ParseUint(text, 10, 8)
	if err == nil && int(v) >= k.least && int(v) <= k.most {
		return int(v), nil
	}
	what := fmt.Sprintf("%s are %d to %d", k.plural, k.least, k.most)
	if k.names != nil {
		what += fmt.Sprintf(" or %s to %s", k.names[0], k.names[len(k.names)-1])
	}
	if near, ok := nearest.Name(text, slices.Values(k.names)); ok && err != nil {
		what = fmt.Sprintf("did you mean %q? %s", near, what)
	}
	return 0, fmt.Errorf("%q is none: %s", text, what)
}

// text is the canonical text of a field: * or its values, runs of three or more as
// ranges.
func (f field) text() string {
	if f.star {
		return "*"
	}
	var b strings.Builder
	for rest := f.bits; rest != 0; {
		from := bits.TrailingZeros64(rest)
		n := bits.TrailingZeros64(^(rest >> from))
		if n == 2 { // 1,2 and not 1-2
			n = 1
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(from))
		if n > 1 {
			b.WriteString("-" + strconv.Itoa(from+n-1))
		}
		rest &^= (1<<n - 1) << from
	}
	return b.String()
}
