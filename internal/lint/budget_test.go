package lint

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// The budgets. A higher number is argued in the commit that writes it.
const (
	maxFileLines     = 500
	maxFunctionLines = 60  // between the braces, comments too, as funlen counts
	maxRootExports   = 150 // what is exported is promised
)

func TestFilesStayWithinTheirBudget(t *testing.T) {
	for _, s := range production(t) {
		if n := s.lines(); n > maxFileLines {
			t.Errorf("%s has %d lines, the budget is %d: split it by noun", s.path, n, maxFileLines)
		}
	}
}

func TestFunctionsStayWithinTheirBudget(t *testing.T) {
	for _, s := range production(t) {
		if s.suite() {
			continue // a suite is tests, and a test may be a long table
		}
		for _, decl := range s.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			n := s.fset.Position(fn.Body.Rbrace).Line - s.fset.Position(fn.Body.Lbrace).Line - 1
			if n > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, the budget is %d: give its parts names", s.at(fn), fn.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

func TestFilesAreNamedByNouns(t *testing.T) {
	vague := []string{"util", "utils", "common", "helper", "helpers", "misc", "types"}
	for _, s := range sources(t) {
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
		if slices.Contains(vague, name) {
			t.Errorf("%s: %q says nothing of what is inside: name the file after its noun", s.path, name)
		}
		if folder := path.Base(s.dir()); slices.Contains(vague, folder) {
			t.Errorf("%s: package %q collects what has nothing in common: name it after what it is for", s.path, folder)
		}
	}
}

func TestRootExportsStayWithinTheirBudget(t *testing.T) {
	var names []string
	for _, s := range production(t) {
		if s.dir() == "." {
			for _, sym := range exports(s) {
				if !sym.method {
					names = append(names, sym.name)
				}
			}
		}
	}
	slices.Sort(names)
	t.Logf("the root package exports %d names of %d", len(names), maxRootExports)
	if len(names) > maxRootExports {
		t.Errorf("the root package exports %d names, the budget is %d: keep one to itself, or argue for a higher budget in the commit\n%s",
			len(names), maxRootExports, strings.Join(names, " "))
	}
}

func TestExportsAreDocumented(t *testing.T) {
	for _, s := range production(t) {
		if s.file.Name.Name == "main" {
			continue // nobody imports a program
		}
		for _, sym := range exports(s) {
			if !sym.documented {
				t.Errorf("%s: %s is exported and has no comment: say what it does, its units, its zero value, its errors", s.at(sym.node), sym.name)
			}
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range production(t) {
		documented[s.dir()] = documented[s.dir()] || s.file.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no comment: argue its design above one of its package clauses", dir)
		}
	}
}

// symbol is an exported name, or a method that one can call.
type symbol struct {
	name       string
	node       ast.Node
	method     bool
	documented bool
}

func exports(s source) []symbol {
	var found []symbol
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if name, ok := callable(d); ok {
				found = append(found, symbol{name: name, node: d, method: d.Recv != nil, documented: d.Doc != nil})
			}
		case *ast.GenDecl:
			if d.Tok != token.IMPORT {
				found = append(found, declared(d)...)
			}
		}
	}
	return found
}

// callable is the exported name of a function, or Type.Method where both are exported.
func callable(fn *ast.FuncDecl) (string, bool) {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name, fn.Name.IsExported()
	}
	receiver := fn.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return r.Name + "." + fn.Name.Name, r.IsExported() && fn.Name.IsExported()
		default:
			return "", false
		}
	}
}

// declared lists the names of a type, const or var declaration. In a group a comment
// above the group, above the name or behind it will do.
func declared(d *ast.GenDecl) []symbol {
	var found []symbol
	for _, spec := range d.Specs {
		switch n := spec.(type) {
		case *ast.TypeSpec:
			if n.Name.IsExported() {
				found = append(found, symbol{
					name: n.Name.Name, node: n,
					documented: n.Doc != nil || n.Comment != nil || !d.Lparen.IsValid() && d.Doc != nil,
				})
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				if name.IsExported() {
					found = append(found, symbol{
						name: name.Name, node: name,
						documented: d.Doc != nil || n.Doc != nil || n.Comment != nil,
					})
				}
			}
		}
	}
	return found
}
