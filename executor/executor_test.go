package executor_test

import (
	"encoding/json"
	"testing"

	"github.com/rivers-go/rivers/executor"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want executor.Executor
		err  string
	}{
		{text: "in_process", want: executor.InProcess()},
		{text: "parallel(8)", want: executor.Parallel(8)},
		{text: " parallel ( 8 ) ", want: executor.Parallel(8)},
		{text: "default", want: executor.Executor{}},
		{text: "parallel(0)", want: executor.Parallel(0)},
		{
			text: "inprocess",
			err:  `executor "inprocess": no executor of that name (did you mean "in_process"?): one of default, in_process, parallel, subprocess, parallel(8) or subprocess(2)`,
		},
		{
			text: "",
			err:  `executor "": no executor of that name: one of default, in_process, parallel, subprocess, parallel(8) or subprocess(2)`,
		},
		{text: "parallel(8", err: `executor "parallel(8": the parenthesis is not closed: write parallel(8)`},
		{
			text: "parallel(many)",
			err:  `executor "parallel(many)": the number of workers is "many": write a whole number, as in parallel(8)`,
		},
		{
			text: "in_process(2)",
			err:  `executor "in_process(2)": in_process takes no number of workers: write in_process, or parallel(8)`,
		},
	} {
		got, err := executor.Parse(c.text)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("Parse(%q): %v\nwant %s", c.text, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("Parse(%q) = %v, %v; want %v", c.text, got, err, c.want)
		}
	}
}

func TestParallelWithoutANumberIsNotTheZeroExecutor(t *testing.T) {
	t.Parallel()
	e, err := executor.Parse("parallel")
	if err != nil {
		t.Fatal(err)
	}
	if e.IsZero() || e.Kind() != executor.KindParallel || e.Workers() != 0 || e.Validate() != nil {
		t.Errorf("parallel: zero %v, kind %v, workers %d, fault %v", e.IsZero(), e.Kind(), e.Workers(), e.Validate())
	}
	if e.String() != "parallel" {
		t.Errorf("parallel prints as %s", e)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, good := range []executor.Executor{{}, executor.InProcess(), executor.Parallel(1)} {
		if err := good.Validate(); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	const want = "executor parallel(-1): -1 workers run nothing: give at least 1, or leave the executor out for one worker per CPU"
	if err := executor.Parallel(-1).Validate(); err == nil || err.Error() != want {
		t.Errorf("Parallel(-1): %v\nwant %s", err, want)
	}
	if executor.Parallel(0).Validate() == nil {
		t.Error("Parallel(0) was accepted")
	}
}

func TestTextRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.OneOf(
			rapid.Just(executor.Executor{}),
			rapid.Just(executor.InProcess()),
			rapid.Map(rapid.Int(), executor.Parallel),
		).Draw(t, "executor")
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got executor.Executor
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%s came back as %s (%v)", want, got, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "default", "in_process", "parallel", "parallel(8)", "parallel(", "parallel(8))"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := executor.Parse(text)
		if err != nil {
			return
		}
		if again, err := executor.Parse(e.String()); err != nil || again != e {
			t.Errorf("%q is %s, which is %s (%v)", text, e, again, err)
		}
	})
}
