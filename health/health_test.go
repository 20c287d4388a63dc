package health_test

import (
	"encoding/json"
	"testing"

	"github.com/rivers-go/rivers/health"
)

func TestStates(t *testing.T) {
	t.Parallel()
	words := []string{"NOT_APPLICABLE", "HEALTHY", "UNKNOWN", "WARNING", "DEGRADED"}
	for i, word := range words {
		s := health.State(i)
		text, err := s.MarshalText()
		var back health.State
		if err != nil || string(text) != word || s.String() != word || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("state %d is %q (%v) and reads as %s, want %q", i, text, err, back, word)
		}
		if s.Unhealthy() != (word == "WARNING" || word == "DEGRADED") {
			t.Errorf("%s is unhealthy: %v", s, s.Unhealthy())
		}
	}
	if got := health.State(9).String(); got != "state(9)" {
		t.Errorf("a state that there is not is %q", got)
	}
	var s health.State
	for text, want := range map[string]string{
		"DEGRADE": `state of health "DEGRADE": there is none of that name (did you mean "DEGRADED"?)`,
		"ill":     `state of health "ill": there is none of that name: write one of NOT_APPLICABLE, HEALTHY, UNKNOWN, WARNING, DEGRADED`,
	} {
		if err := s.UnmarshalText([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// What is printed for programs can be read by them.
func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	r := health.Report{
		Result:    health.Result{State: health.Degraded, Reason: "it is late"},
		Freshness: health.Result{State: health.Degraded, Reason: "it is late"},
		Checks:    health.Result{State: health.Healthy, Reason: "1 of 1 checks passed"},
	}
	data, err := json.Marshal(r)
	var back health.Report
	if err != nil || json.Unmarshal(data, &back) != nil || back != r {
		t.Errorf("%s (%v) reads as %+v", data, err, back)
	}
	want := `{"state":"DEGRADED","reason":"it is late","materialization":{"state":"NOT_APPLICABLE","reason":""},` +
		`"checks":{"state":"HEALTHY","reason":"1 of 1 checks passed"},"freshness":{"state":"DEGRADED","reason":"it is late"}}`
	if string(data) != want {
		t.Errorf("%s\nwant\n%s", data, want)
	}
}
