package freshness

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/nearest"
)

// samples show how each kind is written, in their order.
func samples() []string {
	return []string{"none", "time_window(24h, warn 12h)", `cron("0 9 * * *", 2h, Europe/Berlin)`, "latest_partition(30m, at least 5)"}
}

// String returns the text form: "none", or as in time_window(24h), time_window(24h, warn 12h),
// cron("0 9 * * *", 2h), cron("0 9 * * *", 2h, Europe/Berlin), latest_partition(30m),
// latest_partition(30m, at least 5).
func (p Policy) String() string {
	if p.p == nil {
		return words()[none]
	}
	var args []string
	switch p.p.kind {
	case timeWindow:
		args = []string{short(p.p.fail)}
		if p.p.given&refinedWarn != 0 {
			args = append(args, "warn "+short(p.p.warn))
		}
	case cronDeadline:
		args = []string{strconv.Quote(p.p.deadline), short(p.p.lower)}
		if p.p.zone != "" {
			args = append(args, p.p.zone)
		}
	case latestPartition:
		args = []string{short(p.p.delay)}
		if p.p.given&refinedKeys != 0 {
			args = append(args, "at least "+strconv.FormatInt(p.p.keys, 10))
		}
	default:
		return words()[none]
	}
	return words()[p.p.kind] + "(" + strings.Join(args, ", ") + ")"
}

// Parse reads the text form of a policy; the empty text is none. Durations are written as
// [time.ParseDuration] reads them. Values that make no sense, such as a negative age, are read, and
// refused by [Policy.Validate].
func Parse(text string) (Policy, error) {
	fault := func(format string, args ...any) (Policy, error) {
		return Policy{}, fmt.Errorf("freshness policy %q: "+format, append([]any{text}, args...)...)
	}
	word, rest, opened := strings.Cut(strings.TrimSpace(text), "(")
	word = strings.TrimSpace(word)
	at := slices.Index(words(), word)
	switch {
	case word == "" && !opened:
		return Policy{}, nil
	case at < 0:
		hint := ""
		if near, ok := nearest.Name(word, slices.Values(words())); ok {
			hint = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return fault("there is no policy of that name%s: write one like %s", hint, strings.Join(samples(), ", "))
	case kind(at) == none && opened:
		return fault("none takes nothing: leave the parentheses out")
	case kind(at) == none:
		return Policy{}, nil
	}
	inner, closed := strings.CutSuffix(rest, ")")
	if !opened || !closed {
		return fault("the parenthesis is not closed: write it like %s", samples()[at])
	}
	p, err := read(kind(at), inner)
	if err != nil {
		return fault("%w: write it like %s", err, samples()[at])
	}
	return p, nil
}

// read makes a policy of a kind from what is written in its parentheses.
func read(k kind, inner string) (Policy, error) {
	deadline := ""
	if k == cronDeadline {
		quoted, err := strconv.QuotedPrefix(strings.TrimSpace(inner))
		if err != nil {
			return Policy{}, errors.New("the expression is not in quotes")
		}
		inner = strings.TrimPrefix(strings.TrimSpace(inner), quoted)
		if deadline, err = strconv.Unquote(quoted); err != nil {
			return Policy{}, fmt.Errorf("the expression %s: %w", quoted, err)
		}
		var comma bool
		if _, inner, comma = strings.Cut(inner, ","); !comma {
			return Policy{}, errors.New("the lower bound is missing")
		}
	}
	first, second, more := strings.Cut(inner, ",")
	first, second = strings.TrimSpace(first), strings.TrimSpace(second)
	d, err := time.ParseDuration(first)
	if err != nil {
		return Policy{}, fmt.Errorf("the duration %q is none", first)
	}
	switch {
	case k == timeWindow && !more:
		return TimeWindow(d), nil
	case k == timeWindow:
		age, named := strings.CutPrefix(second, "warn ")
		warn, err := time.ParseDuration(strings.TrimSpace(age))
		if !named || err != nil {
			return Policy{}, fmt.Errorf("the warning %q is none", second)
		}
		return TimeWindow(d).WarnAfter(warn), nil
	case k == cronDeadline && !more:
		return Cron(deadline, d), nil
	case k == cronDeadline && (second == "" || strings.ContainsAny(second, ",()")):
		return Policy{}, fmt.Errorf("the time zone %q is none", second)
	case k == cronDeadline:
		return Cron(deadline, d).In(second), nil
	case !more:
		return LatestPartition(d), nil
	default:
		number, named := strings.CutPrefix(second, "at least ")
		keys, err := strconv.Atoi(strings.TrimSpace(number))
		if !named || err != nil {
			return Policy{}, fmt.Errorf("the number %q is none", second)
		}
		return LatestPartition(d).AtLeast(keys), nil
	}
}

// short writes a duration without the zeros at its end: 24h, not 24h0m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// about writes an age with as much as a person reads.
func about(d time.Duration) string {
	switch {
	case d >= 10*time.Hour || d <= -10*time.Hour:
		return short(d.Truncate(time.Minute))
	default:
		return short(d.Truncate(time.Second))
	}
}
