package rivers_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
)

// programs are the repositories of tests that run once with steps as goroutines and once with steps in
// processes of their own, which find them here by name: a step's process is this test's program, started
// anew. h stores what says nothing else.
var programs = map[string]func(h iohandler.Handler) rivers.RepositoryConfig{
	"multi":        multiProgram,
	"emitting":     emittingProgram,
	"graph":        func(iohandler.Handler) rivers.RepositoryConfig { return graphProgram(false) },
	"named graph":  func(iohandler.Handler) rivers.RepositoryConfig { return graphProgram(true) },
	"streams":      func(iohandler.Handler) rivers.RepositoryConfig { return streamProgram(false) },
	"as they come": func(iohandler.Handler) rivers.RepositoryConfig { return streamProgram(true) },
	"bash":         bashProgram,
	"external":     externalProgram,
	"previous":     previousProgram,
	"config":       configProgram,
	"compositions": compositionsProgram,
	"words":        wordsProgram,
	"context":      contextProgram,
	"isolation":    isolationProgram,
	"judged days":  judgedDays,
	"acting":       actingProgram,
	"sweeping":     sweepingProgram,
	"divided":      dividedProgram,
	"skipping":     skippingProgram,
}

// The environment of a test's steps: where they keep values and notes, and what they are told.
const (
	dirVariable   = "RIVERS_TEST_DIR"
	wordsVariable = "RIVERS_TEST_WORDS"
)

func TestMain(m *testing.M) {
	if os.Getenv("RIVERS_TEST_FORGETFUL") != "" {
		forgetful()
	}
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		program(name, true).ServeStep()
	}
	isolatedExample().ServeStep()
	defaultsRepository(executor.Subprocess(2)).ServeStep()
	// A program with the race detector waits a second before it ends, for other threads to be heard: steps
	// need not.
	if err := os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// program makes a repository; isolated says that its values must get from process to process.
func program(name string, isolated bool) *rivers.CodeRepository {
	return rivers.NewCodeRepository(programConfig(name, isolated))
}

func programConfig(name string, isolated bool) rivers.RepositoryConfig {
	h := iohandler.Handler(iohandler.Memory())
	if isolated {
		h = blob.New("file://"+os.Getenv(dirVariable), blob.Options{Prefix: "values"})
	}
	c := programs[name](h)
	c.Name, c.DefaultIOHandler = name, h
	return c
}

// everyExecutor runs a test of a program with steps as goroutines, and again with steps in processes.
func everyExecutor(t *testing.T, name string, test func(t *testing.T, repo *rivers.CodeRepository)) {
	t.Helper()
	for _, e := range []executor.Executor{executor.Parallel(2), executor.Subprocess(2)} {
		t.Run(strings.ReplaceAll(name, " ", "_")+"/"+e.Kind().String(), func(t *testing.T) {
			t.Setenv(dirVariable, t.TempDir())
			c := programConfig(name, e.Kind() == executor.KindSubprocess)
			c.DefaultExecutor = e
			test(t, resolved(t, c))
		})
	}
}

// note writes a word where the test finds it, whichever process says it.
func note(word string) {
	f, err := os.OpenFile(filepath.Join(os.Getenv(dirVariable), "notes"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	_, err = f.WriteString(word + "\n")
	if closeErr := f.Close(); err != nil || closeErr != nil {
		panic(err)
	}
}

// notes are the words in the order in which they were written.
func notes(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(os.Getenv(dirVariable), "notes"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}
