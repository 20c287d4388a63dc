package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/storage"
)

// cutVariable tells the process that is to die in the middle of its run how many steps that has,
// and where.
const cutVariable = "RIVERS_COMPARE_CUT"

// cutRun is the run that is cut.
const cutRun = "cut"

// cut leaves a run of n steps as a process leaves it that was killed when half of them were
// recorded.
func cut(ctx context.Context, n int, kind, place string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s", cutVariable, n, kind, place))
	out, err := cmd.CombinedOutput()
	if ended := new(exec.ExitError); !errors.As(err, &ended) || ended.Exited() {
		return fmt.Errorf("the process that is to be killed ended by itself (%w): %s", err, out)
	}
	return nil
}

// serveCut is the process that is to be killed, if this is the one.
func serveCut() {
	text, ok := os.LookupEnv(cutVariable)
	if !ok {
		return
	}
	words := strings.SplitN(text, " ", 3)
	n, err := strconv.Atoi(words[0])
	if err == nil {
		err = runToHalf(context.Background(), n, words[1], words[2])
	}
	fmt.Fprintln(os.Stderr, "it was to be killed:", err)
	os.Exit(1)
}

// runToHalf runs n steps and kills this process once half of them are recorded.
func runToHalf(ctx context.Context, n int, kind, place string) error {
	store, err := open(ctx, kind, place)
	if err != nil {
		return err
	}
	var begun atomic.Int64
	all := make([]rivers.Asset, n)
	for i := range all {
		all[i] = rivers.NewAsset(rivers.AssetSpec{Name: bench.Wide.Name(i)}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			half := int64(n / 2)
			switch i := begun.Add(1); {
			case i <= half:
				return 1, nil
			case i == half+1:
				return 0, dieAfter(ctx, int(half))
			}
			<-ctx.Done() // the other workers wait for that
			return 0, ctx.Err()
		})
	}
	repo := repository(all)
	if err := repo.Resolve(ctx, store); err != nil {
		return err
	}
	_, err = repo.Materialize(ctx, rivers.RunRequest{RunID: cutRun})
	return err
}

// dieAfter kills this process when so many steps are recorded.
func dieAfter(ctx *rivers.AssetContext, steps int) error {
	run, err := ctx.Storage().GetRun(ctx, ctx.RunID())
	if err != nil {
		return err
	}
	for {
		recorded, err := succeeded(ctx, ctx.Storage(), run.Key)
		if err != nil {
			return err
		}
		if recorded < steps {
			continue
		}
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		return self.Kill()
	}
}

// resume continues with the run that was cut.
func resume(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
	var calls atomic.Int64
	all := make([]rivers.Asset, n)
	for i := range all {
		all[i] = rivers.NewAsset(rivers.AssetSpec{Name: bench.Wide.Name(i)}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
			calls.Add(1)
			return 1, nil
		})
	}
	repo := repository(all)
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	start := time.Now()
	res, err := repo.Materialize(ctx, rivers.RunRequest{RunID: cutRun, Resume: true})
	took = time.Since(start)
	if err != nil {
		return took, err
	}
	if want := int64(n - n/2); calls.Load() != want {
		return took, fmt.Errorf("%d steps ran after the cut, want the %d that were not done", calls.Load(), want)
	}
	return took, recorded(ctx, store, res.RunID, n)
}
