package lint

import (
	"bytes"
	"flag"
	"go/ast"
	"go/format"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "accept the public API as it is now")

// The public API is promised. Its declarations are kept in testdata/api, a file a package, so that a
// change of the face stands in the diff: accept one with `go test ./internal/lint -run API -update`.
// Comments are left out: prose may improve every day.
func TestPublicAPIIsWhatWasAccepted(t *testing.T) {
	folder := filepath.Join("testdata", "api")
	packages := map[string][]source{}
	for _, s := range production(t) {
		if public(s) {
			packages[s.dir()] = append(packages[s.dir()], s)
		}
	}
	seen := map[string]bool{}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		got := declarations(t, packages[dir])
		name := apiFile(dir)
		seen[name] = true
		file := filepath.Join(folder, name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("package %s is public and its API was never accepted: go test ./internal/lint -run API -update", dir)
			continue
		}
		if gone, added := differing(string(want), got), differing(got, string(want)); gone != "" || added != "" {
			t.Errorf("the API of package %s has changed; if that is meant, accept it (-update) and write a line in CHANGELOG.md\ngone:\n%sadded:\n%s", dir, gone, added)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if seen[e.Name()] {
			continue
		}
		if *update {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("package of %s is gone: users import it; if that is meant, remove its file (-update) and write a line in CHANGELOG.md", e.Name())
	}
}

// public tells the packages that a user can import.
func public(s source) bool {
	parts := strings.Split(s.dir(), "/")
	return s.file.Name.Name != "main" && parts[0] != "bench" && parts[0] != "examples" && !slices.Contains(parts, "internal")
}

func apiFile(dir string) string {
	if dir == "." {
		return "rivers.txt"
	}
	return strings.ReplaceAll(dir, "/", "-") + ".txt"
}

// declarations prints what a package exports, without comments and bodies, in the order of the names.
func declarations(t *testing.T, files []source) string {
	t.Helper()
	var all []string
	for _, s := range files {
		withoutComments(s.file)
		if !ast.FileExports(s.file) {
			continue
		}
		for _, decl := range s.file.Decls {
			for _, d := range single(decl) {
				var b bytes.Buffer
				if err := format.Node(&b, token.NewFileSet(), d); err != nil {
					t.Fatal(err)
				}
				all = append(all, b.String())
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n") + "\n"
}

// single takes groups of types apart, and leaves bodies out. Groups of constants stay together: their
// order can be their value.
func single(decl ast.Decl) []ast.Decl {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if _, ok := callable(d); !ok {
			return nil // a method of a type that nobody can name
		}
		d.Body = nil
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return nil
		}
		if d.Tok == token.TYPE && len(d.Specs) > 1 {
			var parts []ast.Decl
			for _, spec := range d.Specs {
				parts = append(parts, &ast.GenDecl{Tok: d.Tok, Specs: []ast.Spec{spec}})
			}
			return parts
		}
	}
	return []ast.Decl{decl}
}

func withoutComments(file *ast.File) {
	file.Comments = nil
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncDecl:
			x.Doc = nil
		case *ast.GenDecl:
			x.Doc = nil
		case *ast.TypeSpec:
			x.Doc, x.Comment = nil, nil
		case *ast.ValueSpec:
			x.Doc, x.Comment = nil, nil
		case *ast.Field:
			x.Doc, x.Comment = nil, nil
		}
		return true
	})
}

// differing are the lines of a that b lacks.
func differing(a, b string) string {
	have := map[string]bool{}
	for line := range strings.Lines(b) {
		have[line] = true
	}
	var out strings.Builder
	for line := range strings.Lines(a) {
		if !have[line] {
			out.WriteString("  " + line)
		}
	}
	return out.String()
}
