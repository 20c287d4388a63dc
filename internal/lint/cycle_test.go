package lint

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxFileCycle is how many files of one package may need each other in a circle. Such files are
// read together or not at all.
const maxFileCycle = 12

// fileCycles are the packages with a larger one, each with the size that it has; it only falls.
var fileCycles = map[string]int{
	".":                   15,
	"internal/engine":     29,
	"storage":             16, // records that mention each other
	"storage/postgres":    20,
	"storage/sqlite":      16,
	"bench/compare":       14,
	"storage/storagetest": 28, // the checks share a world, and the world is spread over its nouns
}

// A file needs another of its package where it uses a name, a method or a field that is declared there.
func TestFilesOfAPackageFormSmallCycles(t *testing.T) {
	for _, p := range loadPackages(t) {
		dir := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if dir == "" {
			dir = "."
		}
		cycle := largestCycle(fileNeeds(t, p))
		budget, own := fileCycles[dir]
		if !own {
			budget = maxFileCycle
		}
		if n := len(cycle); n > budget {
			t.Errorf("package %s: %d files need each other in a circle, the budget is %d: find the type that ties them together, and give one side of it a package or a smaller type\n  %s",
				dir, n, budget, strings.Join(cycle, " "))
		} else if own && n < budget {
			t.Errorf("package %s: its largest circle of files has %d: write that down as its budget of %d, which only falls", dir, n, budget)
		}
	}
}

// listedPackage is a package as the go command describes it.
type listedPackage struct {
	Dir        string
	ImportPath string
	Export     string
	GoFiles    []string
	DepOnly    bool

	exports map[string]string // export data of every package, by path
}

// loadPackages lists the module's packages, with the export data of all that they import.
func loadPackages(t *testing.T) []*listedPackage {
	t.Helper()
	out := goList(t, "-export", "-deps", "-json=Dir,ImportPath,Export,GoFiles,DepOnly", "./...")
	exports := map[string]string{}
	var found []*listedPackage
	dec := json.NewDecoder(strings.NewReader(out))
	for {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			p.exports = exports
			found = append(found, &p)
		}
	}
	if len(found) < 20 {
		t.Fatalf("go list names %d packages of the module, more are expected", len(found))
	}
	return found
}

// typeCheck parses and type-checks a package, without its tests.
func typeCheck(t *testing.T, p *listedPackage) (*token.FileSet, []*ast.File, *types.Package, *types.Info) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(p.exports[path]) })}
	pkg, err := conf.Check(p.ImportPath, fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	return fset, files, pkg, info
}

// fileNeeds returns which files of a package need which.
func fileNeeds(t *testing.T, p *listedPackage) map[string][]string {
	t.Helper()
	fset, files, pkg, info := typeCheck(t, p)
	generated := map[string]bool{}
	for _, f := range files {
		generated[fset.Position(f.Package).Filename] = ast.IsGenerated(f)
	}
	needs := map[string][]string{}
	for id, obj := range info.Uses {
		if obj.Pkg() != pkg || !obj.Pos().IsValid() || !crossesFiles(obj) {
			continue
		}
		from, to := fset.Position(id.Pos()).Filename, fset.Position(obj.Pos()).Filename
		if from != to && !generated[from] && !generated[to] && !slices.Contains(needs[from], to) {
			needs[from] = append(needs[from], to)
		}
	}
	return needs
}

// crossesFiles reports whether an object can be seen from another file: a package-level name, a method or a field.
func crossesFiles(obj types.Object) bool {
	switch o := obj.(type) {
	case *types.Var:
		return o.IsField() || o.Parent() == o.Pkg().Scope()
	case *types.Func:
		return true
	case *types.PkgName, *types.Label:
		return false
	}
	return obj.Parent() == obj.Pkg().Scope()
}

// largestCycle returns the base names of the largest set of files that need each other (Tarjan's strongly
// connected components), sorted; one file alone is none.
func largestCycle(needs map[string][]string) []string {
	var (
		index, low = map[string]int{}, map[string]int{}
		onStack    = map[string]bool{}
		stack      []string
		largest    []string
		visit      func(string)
	)
	visit = func(v string) {
		index[v], low[v] = len(index)+1, len(index)+1
		stack, onStack[v] = append(stack, v), true
		for _, w := range needs[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if onStack[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		at := slices.Index(stack, v)
		found := slices.Clone(stack[at:])
		stack = stack[:at]
		for _, w := range found {
			onStack[w] = false
		}
		if len(found) > 1 && len(found) > len(largest) {
			largest = found
		}
	}
	for _, v := range slices.Sorted(maps.Keys(needs)) {
		if index[v] == 0 {
			visit(v)
		}
	}
	for i := range largest {
		largest[i] = filepath.Base(largest[i])
	}
	slices.Sort(largest)
	return largest
}

func TestLargestCycle(t *testing.T) {
	for _, c := range []struct {
		name  string
		needs map[string][]string
		want  string
	}{
		{"a line has none", map[string][]string{"a": {"b"}, "b": {"c"}}, ""},
		{"a circle with a tail", map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a", "d"}}, "a b c"},
		{"the larger of two", map[string][]string{"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"e"}, "e": {"c"}}, "c d e"},
	} {
		if got := strings.Join(largestCycle(c.needs), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
