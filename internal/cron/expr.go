package cron

import (
	"errors"
	"fmt"
	"strings"
)

// Expr is a parsed expression. It is immutable and may be shared; the zero Expr is
// of no use, [Parse] makes one.
type Expr struct {
	second, minute, hour field
	days                 calendar
	text                 string
}

// Parse reads an expression of five or six fields. Everything that is wrong in it
// is in the error, field by field; an expression that never fires, such as the 30th
// of February, is an error too.
func Parse(text string) (*Expr, error) {
	written := strings.Fields(text)
	if err := shaped(text, written); err != nil {
		return nil, err
	}
	six := written
	if len(six) == 5 {
		six = append([]string{"0"}, written...)
	}
	var f [6]field
	var faults []error
	for i, k := range kinds() {
		var err error
		if f[i], err = k.parse(six[i]); err != nil {
			faults = append(faults, fmt.Errorf("cron %q: %w", text, err))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	normalize(&f)
	e := &Expr{second: f[0], minute: f[1], hour: f[2], text: canonical(f)}
	e.days = newCalendar(f[3], f[4], f[5])
	if e.days.perCycle() == 0 {
		return nil, fmt.Errorf("cron %q: never fires: there is no day %s in month %s", text, f[3].text(), f[4].text())
	}
	return e, nil
}

// shaped checks that a text has the shape of an expression.
func shaped(text string, fields []string) error {
	if len(fields) > 0 && strings.HasPrefix(fields[0], "@") {
		named := map[string]string{
			"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
			"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
		}
		if same, ok := named[strings.ToLower(fields[0])]; ok {
			return fmt.Errorf("cron %q: is a name where fields are read: write %q", text, same)
		}
	}
	if len(fields) != 5 && len(fields) != 6 {
		return fmt.Errorf("cron %q: has %d fields where 5 are read (minute, hour, day of month, month and day of week), or 6 (a second before them)", text, len(fields))
	}
	return nil
}

// normalize writes what means the same in the same way.
func normalize(f *[6]field) {
	for _, i := range [...]int{0, 1, 2, 4} {
		k := kinds()[i]
		f[i].star = f[i].bits == run(k.least, k.most, 1)
	}
	const sunday, seven = 1, 1 << 7
	dom, dow := &f[3], &f[5]
	if dow.bits&seven != 0 {
		dow.bits = dow.bits&^seven | sunday
	}
	everyDom, everyDow := dom.bits == run(1, 31, 1), dow.bits == run(0, 6, 1)
	if dom.star && everyDow || dow.star && everyDom || !dom.star && !dow.star && (everyDom || everyDow) {
		dom.star, dow.star = true, true // one of the two may fit, and one always does
	}
	if dom.star {
		dom.bits = run(1, 31, 1)
	}
	if dow.star {
		dow.bits = run(0, 6, 1)
	}
}

// canonical is the text of the fields, five if the seconds say nothing.
func canonical(f [6]field) string {
	from := 0
	if f[0].bits == 1 {
		from = 1
	}
	parts := make([]string, 0, len(f))
	for _, one := range f[from:] {
		parts = append(parts, one.text())
	}
	return strings.Join(parts, " ")
}

// String returns the canonical text: numbers for names, lists in order, five fields
// where the second is 0. Expressions that fit the same times in the same way have
// the same text.
func (e *Expr) String() string { return e.text }
