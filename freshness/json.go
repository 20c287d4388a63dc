package freshness

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// document is a policy as plain data. Which fields a kind has follows from its constructor and its
// methods.
type document struct {
	Kind       string `json:"kind"`
	Fail       string `json:"fail,omitempty"`        // of a time window: an age
	Warn       string `json:"warn,omitempty"`        // of a time window: an age
	Cron       string `json:"cron,omitempty"`        // of a deadline
	LowerBound string `json:"lower_bound,omitempty"` // of a deadline
	Zone       string `json:"zone,omitempty"`        // of a deadline: an IANA name; none is UTC
	Delay      string `json:"delay,omitempty"`       // of a latest partition
	AtLeast    int64  `json:"at_least,omitempty"`    // of a latest partition; none is all
}

// MarshalJSON returns the policy as an object for the record of a topology and for other programs,
// with durations as text, such as {"kind":"time_window","fail":"24h","warn":"12h"}. The zero Policy
// is null. It never fails.
func (p Policy) MarshalJSON() ([]byte, error) {
	if p.p == nil || p.p.kind == none {
		return []byte("null"), nil
	}
	d := document{Kind: words()[p.p.kind]}
	switch p.p.kind {
	case timeWindow:
		d.Fail = short(p.p.fail)
		if p.p.given&refinedWarn != 0 {
			d.Warn = short(p.p.warn)
		}
	case cronDeadline:
		d.Cron, d.LowerBound, d.Zone = p.p.deadline, short(p.p.lower), p.p.zone
	case latestPartition:
		d.Delay, d.AtLeast = short(p.p.delay), p.p.keys
	}
	return json.Marshal(d)
}

// UnmarshalJSON reads what [Policy.MarshalJSON] writes. Values that make no sense are read, and
// refused by [Policy.Validate]; a kind that a newer version may have written is an error.
func (p *Policy) UnmarshalJSON(text []byte) error {
	if strings.TrimSpace(string(text)) == "null" {
		*p = Policy{}
		return nil
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return fmt.Errorf("freshness policy: %w", err)
	}
	var faults []string
	duration := func(name, text string) time.Duration {
		v, err := time.ParseDuration(text)
		if err != nil {
			faults = append(faults, name+" "+strconv.Quote(text))
		}
		return v
	}
	var made Policy
	switch kind(slices.Index(words(), d.Kind)) {
	case timeWindow:
		made = TimeWindow(duration("fail", d.Fail))
		if d.Warn != "" {
			made = made.WarnAfter(duration("warn", d.Warn))
		}
	case cronDeadline:
		made = Cron(d.Cron, duration("lower_bound", d.LowerBound))
		if d.Zone != "" {
			made = made.In(d.Zone)
		}
	case latestPartition:
		made = LatestPartition(duration("delay", d.Delay))
		if d.AtLeast != 0 {
			made = made.AtLeast(int(d.AtLeast))
		}
	default:
		return fmt.Errorf("freshness policy: the kind is %q, which a newer version may have written", d.Kind)
	}
	if len(faults) > 0 {
		return fmt.Errorf("freshness policy: no durations are %s: write them like 1h30m", strings.Join(faults, ", "))
	}
	*p = made
	return nil
}
