package subprocess

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/storage"
)

// Launcher starts the processes for the steps of one run. Its fields are set before the first use
// and do not change; Do may be called from any goroutine.
type Launcher struct {
	// Order is what every process is told about the run.
	Order Order
	// Config returns what the request overrides of a node's config, a JSON object; nil for nothing.
	Config func(node string) []byte
	// Storage answers what the steps ask.
	Storage storage.Reader
	// Grace is how long a process may go on once it was told to stop, and for the teardown of what its
	// step took; zero means [engine.Grace].
	Grace time.Duration

	// A test may start another program, with another environment, and wait less for it.
	program  string
	env      []string
	timeouts timeouts
}

// timeouts is how long things are waited for; a zero is as long as in normal.
type timeouts struct {
	greeting time.Duration // for a new process to ask for its step
	exit     time.Duration // for a process that cannot be heard to end by itself
	late     time.Duration // for output of what the step left behind
	reap     time.Duration // for a process that was killed to be gone
}

func (p timeouts) normal() timeouts {
	for _, f := range []struct {
		d    *time.Duration
		want time.Duration
	}{{&p.greeting, time.Minute}, {&p.exit, 2 * time.Second}, {&p.late, 10 * time.Second}, {&p.reap, 10 * time.Second}} {
		if *f.d == 0 {
			*f.d = f.want
		}
	}
	return p
}

// Do does one attempt in a process of its own, as [engine.Config.Isolate] is to. When it returns,
// nothing of the process's group is left.
func (l *Launcher) Do(ctx context.Context, t engine.Task, to engine.Sink) (engine.Report, error) {
	if err := ctx.Err(); err != nil {
		return engine.Report{}, &stoppedError{context.Cause(ctx)}
	}
	c := &child{launcher: l, ctx: ctx, order: l.Order, to: to, timeouts: l.timeouts.normal(), grace: l.Grace}
	if c.grace == 0 {
		c.grace = engine.Grace
	}
	c.order.Task = t
	if l.Config != nil {
		c.order.Config = l.Config(t.Node)
	}
	return c.do()
}

// environment is that of the program as it is now, with where the child finds its parent. The
// collector of a child with a limit is told to work harder before it gets there.
func (l *Launcher) environment(memory int64) []string {
	env := l.env
	if env == nil {
		env = os.Environ()
	}
	env = append(slices.Clip(env), Variable+"=fd:"+strconv.Itoa(childFD))
	if memory == 0 {
		return env
	}
	soft := memory - memory/10
	const variable = "GOMEMLIMIT="
	for _, v := range env {
		if given, ok := strings.CutPrefix(v, variable); ok && lower(given, soft) {
			return env
		}
	}
	return append(env, variable+strconv.FormatInt(soft, 10))
}

// lower reports whether a value of GOMEMLIMIT is less than n bytes.
func lower(value string, n int64) bool {
	for _, unit := range []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}, {"", 1}} {
		number, ok := strings.CutSuffix(value, unit.suffix)
		if !ok {
			continue
		}
		have, err := strconv.ParseInt(number, 10, 64)
		return err == nil && have <= n/unit.bytes
	}
	return false
}

// childFD is the descriptor at which a child finds its end of the connection.
const childFD = 3

// errNotStarted is why a process is killed that has not heard yet what to do.
var errNotStarted = errors.New("the step had not begun")
