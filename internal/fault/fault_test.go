package fault_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rivers-go/rivers/internal/fault"
)

func TestEachTakesJoinsApart(t *testing.T) {
	t.Parallel()
	a, b, c := errors.New("a"), errors.New("b\nand more"), errors.New("c")
	wrapped := fmt.Errorf("both %w and %w", a, c)
	for _, test := range []struct {
		err  error
		want []error
	}{
		{nil, nil},
		{a, []error{a}},
		{errors.Join(a, errors.Join(b, c), wrapped), []error{a, b, c, wrapped}},
		{wrapped, []error{wrapped}},
	} {
		if got := fault.Each(test.err); !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.err, got, test.want)
		}
	}
}

func TestGuardReturnsAPanicAsAnError(t *testing.T) {
	t.Parallel()
	cause := errors.New("oh")
	err := fault.Guard(func() error { panic(cause) })
	if _, ok := errors.AsType[*fault.PanicError](err); !ok || !errors.Is(err, cause) {
		t.Errorf("got %v, want a PanicError of %v", err, cause)
	}
	if err := fault.Guard(func() error { return cause }); !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	if got := (fault.Fault{At: "input A"}).Below("hook h").At; got != "hook h input A" {
		t.Errorf("got %q", got)
	}
	if got := (fault.Fault{}).Below("task t").At; got != "task t" {
		t.Errorf("got %q", got)
	}
}
