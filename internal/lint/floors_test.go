package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rivers-go/rivers"

// What has no floor, because nothing may import it and it imports nothing of ours.
var floorless = []string{"internal/lint"}

// The linter refuses an import that goes up; this test refuses a package that the
// linter would overlook.
func TestEveryPackageHasAFloor(t *testing.T) {
	config, err := os.ReadFile(filepath.Join(moduleRoot(t), ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	floors := floorPatterns(string(config))
	if len(floors) < 20 {
		t.Fatalf(".golangci.yml: %d folders in rules named floor-*, more are expected: has the file another shape now?", len(floors))
	}
	var lost []string
	for _, s := range sources(t) {
		if !slices.Contains(floorless, s.dir()) && !slices.Contains(lost, s.dir()) && !onFloor(floors, s.dir()) {
			lost = append(lost, s.dir())
		}
	}
	for _, dir := range lost {
		t.Errorf("package %s is on no floor: add it to the rule floor-* of .golangci.yml that fits, and to the table in CONTRIBUTING.md", dir)
	}
}

// floorPatterns are the folders that the rules named floor-* speak of. A parser of YAML
// would be a dependency for one question.
func floorPatterns(config string) []string {
	rule := regexp.MustCompile(`^ {8}([a-z0-9-]+):$`)
	folder := regexp.MustCompile(`"\$\{base-path\}/([^"]+)"`)
	var found []string
	inFloor := false
	for line := range strings.Lines(config) {
		if m := rule.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			inFloor = strings.HasPrefix(m[1], "floor-")
		}
		if inFloor {
			for _, m := range folder.FindAllStringSubmatch(line, -1) {
				found = append(found, m[1])
			}
		}
	}
	return found
}

func onFloor(floors []string, dir string) bool {
	return slices.ContainsFunc(floors, func(pattern string) bool {
		if below, ok := strings.CutSuffix(pattern, "/**"); ok {
			return dir == below || strings.HasPrefix(dir, below+"/")
		}
		return pattern == "*.go" && dir == "."
	})
}

// A program that imports only the root links what the root's imports import.
func TestTheRootLinksNothingHeavy(t *testing.T) {
	heavy := map[string]string{
		"github.com/apache/arrow-go": "Arrow belongs behind iohandler/parquet",
		"gocloud.dev":                "object stores belong behind iohandler/blob",
		"github.com/spf13/cobra":     "commands belong in cli",
		"go.opentelemetry.io":        "traces belong in otel, as a listener",
		"github.com/prometheus":      "metrics belong in prometheus, as a listener",
		"github.com/jackc/pgx":       "PostgreSQL belongs behind storage/postgres, which cli links",
		"k8s.io":                     "Kubernetes belongs behind kubernetes",
		"testing":                    "only tests and the *test packages import testing",
	}
	if !slices.ContainsFunc(production(t), func(s source) bool { return s.dir() == "." }) {
		t.Fatalf("%s has no Go files: there is no root package to look at", module)
	}
	for dep := range strings.Lines(goList(t, "-deps", "-f", "{{.ImportPath}}", module)) {
		dep = strings.TrimSpace(dep)
		for prefix, why := range heavy {
			if dep == prefix || strings.HasPrefix(dep, prefix+"/") {
				t.Errorf("importing %s links %s: %s (go mod why -m and `go list -deps` show the way)", module, dep, why)
			}
		}
	}
}

// goList asks the go command, without the flags of the test run.
func goList(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = moduleRoot(t)
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
