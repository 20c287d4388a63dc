package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file of the module.
type source struct {
	path      string // slashed, relative to the module's root
	text      string
	file      *ast.File
	fset      *token.FileSet
	test      bool // its name ends in _test.go
	generated bool
}

// dir is the folder of the file, "." for the root.
func (s source) dir() string { return path.Dir(s.path) }

// suite tells the packages that hold tests for others to run.
func (s source) suite() bool {
	return slices.ContainsFunc(strings.Split(s.dir(), "/"), func(part string) bool {
		return part == "storagetest" || part == "iohandlertest" || part == "riverstest"
	})
}

// lines counts as an editor does.
func (s source) lines() int {
	n := strings.Count(s.text, "\n")
	if !strings.HasSuffix(s.text, "\n") {
		n++
	}
	return n
}

// at is a place that an editor can jump to.
func (s source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// imports tells whether the file imports the package.
func (s source) imports(pkg string) bool {
	return slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == strconv.Quote(pkg) })
}

// moduleRoot is the folder of go.mod, two above this package.
func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("go.mod is not two folders above this package: %v", err)
	}
	return root
}

// sources parses every Go file of the module. What `go build ./...` does not see
// (testdata, folders beginning with . or _, modules of their own) is left out.
func sources(t *testing.T) []source {
	t.Helper()
	root := moduleRoot(t)
	var found []source
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(root, file, entry.Name())
		case filepath.Ext(file) != ".go":
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		found = append(found, parse(t, root, file, string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func enter(root, dir, name string) error {
	if dir == root {
		return nil
	}
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func parse(t *testing.T, root, file, text string) source {
	t.Helper()
	rel, err := filepath.Rel(root, file)
	if err != nil {
		t.Fatal(err)
	}
	s := source{
		path: filepath.ToSlash(rel), text: text, fset: token.NewFileSet(),
		test: strings.HasSuffix(file, "_test.go"),
	}
	s.file, err = parser.ParseFile(s.fset, s.path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s.generated = ast.IsGenerated(s.file)
	return s
}

// production is what people maintain and users link: no tests, nothing generated.
func production(t *testing.T) []source {
	t.Helper()
	return slices.DeleteFunc(sources(t), func(s source) bool { return s.test || s.generated })
}
