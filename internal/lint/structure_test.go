package lint

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"testing"
)

// The budgets of structure. A package that is over one today is in the table beside it, with its
// number and the reason; a number there only falls.
const (
	maxPackageFiles = 40
	maxTypeMethods  = 40
	minRootFace     = 50 // per cent of the declaration lines of the root
)

// packageFiles are the packages with more files than the budget, or with a budget of their own.
var packageFiles = map[string]int{
	".": 31, // the root is the face alone
}

func TestPackagesHaveFewFiles(t *testing.T) {
	files := map[string]int{}
	for _, s := range production(t) {
		files[s.dir()]++
	}
	for _, dir := range slices.Sorted(maps.Keys(files)) {
		budget, own := packageFiles[dir]
		if !own {
			budget = maxPackageFiles
		}
		if n := files[dir]; n > budget {
			t.Errorf("package %s has %d files, the budget is %d: a second subject lives in it, give that a package of its own", dir, n, budget)
		} else if own && n < budget {
			t.Errorf("package %s has %d files: write that down as its budget of %d, which only falls", dir, n, budget)
		}
	}
}

// typeMethods are the types with more methods than the budget.
var typeMethods = map[string]int{
	"..CodeRepository": 74, // its 36 exported methods are the contract
	"cli.app":          135,
	// Each answers all calls of storage.Storage.
	"storage/memory.Store":    74,
	"storage/postgres.Store":  56,
	"storage/sqlite.Store":    56,
	"internal/engine.attempt": 41,
	"internal/engine.run":     125,
}

func TestTypesHaveFewMethods(t *testing.T) {
	methods := map[string]int{}
	for _, s := range production(t) {
		for _, decl := range s.file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv != nil {
				if name := receiver(fn); name != "" {
					methods[s.dir()+"."+name]++
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(methods)) {
		budget, own := typeMethods[name]
		if !own {
			budget = maxTypeMethods
		}
		if n := methods[name]; n > budget {
			t.Errorf("type %s has %d methods, the budget is %d: hand a part of its state to a type of its own, and ask that", name, n, budget)
		} else if own && n < budget {
			t.Errorf("type %s has %d methods: write that down as its budget of %d, which only falls", name, n, budget)
		}
	}
}

// receiver is the name of the type that a method belongs to.
func receiver(fn *ast.FuncDecl) string {
	t := fn.Recv.List[0].Type
	for {
		switch r := t.(type) {
		case *ast.StarExpr:
			t = r.X
		case *ast.IndexExpr:
			t = r.X
		case *ast.IndexListExpr:
			t = r.X
		case *ast.Ident:
			return r.Name
		default:
			return ""
		}
	}
}

// The root is read by users: most of its lines are exported declarations and their documentation.
func TestTheRootIsMostlyFace(t *testing.T) {
	all, face := 0, 0
	for _, s := range production(t) {
		if s.dir() != "." {
			continue
		}
		for _, decl := range s.file.Decls {
			n := s.span(decl)
			all += n
			if exported(decl) {
				face += n
			}
		}
	}
	if all == 0 {
		t.Fatal("the root has no declarations: has the package moved?")
	}
	share := face * 100 / all
	t.Logf("%d of %d declaration lines of the root are exported, %d%%", face, all, share)
	if share < minRootFace {
		t.Errorf("%d%% of the root's declaration lines are exported, the budget is %d%%: move mechanics to the package below that has their subject", share, minRootFace)
	}
}

// span counts the lines of a declaration with its comment.
func (s source) span(decl ast.Decl) int {
	from := decl.Pos()
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc != nil {
			from = d.Doc.Pos()
		}
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return 0
		}
		if d.Doc != nil {
			from = d.Doc.Pos()
		}
	}
	return s.fset.Position(decl.End()).Line - s.fset.Position(from).Line + 1
}

// exported reports whether a declaration has a name that users see.
func exported(decl ast.Decl) bool {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		_, ok := callable(d)
		return ok
	case *ast.GenDecl:
		return len(declared(d)) > 0
	}
	return false
}
