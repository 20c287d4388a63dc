package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// isolatedVariable tells the processes of steps which repository they are of: how many assets it
// has, and the directory of their values.
const isolatedVariable = "RIVERS_COMPARE_ISOLATED"

// serveChild does what another process of this program started this one for, if one did, and exits.
func serveChild() {
	serveCut()
	number, dir, ok := strings.Cut(os.Getenv(isolatedVariable), ":")
	n, err := strconv.Atoi(number)
	if ok && err == nil {
		isolatedRepository(n, dir).ServeStep()
	}
}

// isolatedRepository has n assets without upstreams, each made in a process of its own, as many at
// a time as there are processors.
func isolatedRepository(n int, dir string) *rivers.CodeRepository {
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: location, Assets: assets(bench.Wide, n), DefaultIOHandler: files(dir),
		DefaultExecutor: executor.Subprocess(runtime.NumCPU()),
	})
}

// files keeps numbers in files of a directory. The handlers that people use link more than the rest
// of this program does, which every other case would pay for.
type files string

func (f files) HandleOutput(_ context.Context, out *iohandler.OutputContext, value any) error {
	return os.WriteFile(filepath.Join(string(f), out.Name), strconv.AppendInt(nil, int64(value.(int)), 10), 0o600)
}

func (f files) LoadInput(_ context.Context, in *iohandler.InputContext) (any, error) {
	text, err := os.ReadFile(filepath.Join(string(f), in.Name))
	if err != nil {
		return nil, err
	}
	return strconv.Atoi(string(text))
}

// isolated runs n steps in processes of their own.
func isolated(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
	dir, err := os.MkdirTemp("", "rivers-compare-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Setenv(isolatedVariable, fmt.Sprintf("%d:%s", n, dir)); err != nil {
		return 0, err
	}
	repo := isolatedRepository(n, dir)
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	start := time.Now()
	res, err := repo.Materialize(ctx, rivers.RunRequest{})
	took = time.Since(start)
	if err != nil {
		return took, err
	}
	return took, check(ctx, repo, bench.Wide, n, res)
}
