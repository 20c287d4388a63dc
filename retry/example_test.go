package retry_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/rivers-go/rivers/retry"
)

func ExamplePolicy() {
	p := retry.Policy{
		Max:      3,
		Backoff:  retry.Exponential(time.Second, 2),
		MaxDelay: 3 * time.Second,
		On:       []error{retry.Transient, io.ErrUnexpectedEOF},
	}
	for failures := 1; ; failures++ {
		delay, again := p.Decide(failures, io.ErrUnexpectedEOF, retry.Error, 0)
		if !again {
			break
		}
		fmt.Println("again in", delay)
	}
	// Output:
	// again in 1s
	// again in 2s
	// again in 3s
}

// A body may say what kind of failure it met, and wrapping Canceled gives up at once.
func ExampleReason() {
	p := retry.Policy{Max: 3, On: []error{retry.Transient}}
	for _, err := range []error{
		fmt.Errorf("the warehouse restarts: %w", retry.Infrastructure),
		fmt.Errorf("the file is not there yet: %w", fs.ErrNotExist),
		fmt.Errorf("the account is closed: %w", retry.Canceled),
	} {
		fmt.Println(err, p.Matches(err, retry.ReasonOf(err)))
	}
	// Output:
	// the warehouse restarts: infrastructure true
	// the file is not there yet: file does not exist false
	// the account is closed: canceled false
}

func ExampleType() {
	p := retry.Policy{Max: 1, On: []error{retry.Type[*fs.PathError]()}}
	err := fmt.Errorf("loading: %w", &fs.PathError{Op: "open", Path: "users.csv", Err: fs.ErrNotExist})
	fmt.Println(p.Matches(err, retry.Error), p.Matches(errors.New("something else"), retry.Error))
	// Output: true false
}

func ExampleNearest() {
	asset := retry.Never()
	repository := retry.Policy{Max: 3}
	fmt.Println(retry.Nearest(asset, repository))
	fmt.Println(retry.Nearest(retry.Policy{}, repository))
	// Output:
	// never
	// 3 retries
}

func ExampleFixed() {
	b := retry.Fixed(time.Second, 10*time.Second, time.Minute)
	fmt.Println(b, b.Delay(2), b.Delay(20))
	// Output: fixed(1s,10s,1m0s) 10s 1m0s
}
