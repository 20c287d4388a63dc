package lint

import (
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// factColumns are the fields of storage.Fact whose meaning depends on the kind of the event.
var factColumns = map[string]string{
	"Cause":  "Instances, DueTo or Partial; Expanded, Reused, Skipped or Failed write it",
	"Status": "RunState, Reason, CheckState or Partial; Ended, Failed, Evaluated or Skipped write it",
}

// The columns Cause and Status of a fact mean something else for each kind: only the stores, which keep them, and the
// decider, which folds them, use them as they are.
func TestFactsAreReadByTheirMethods(t *testing.T) {
	for _, p := range loadPackages(t) {
		dir := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if within(dir, "storage") || within(dir, "internal/engine/decide") || !mentionsColumns(t, p) {
			continue
		}
		fset, _, _, info := typeCheck(t, p)
		for id, obj := range info.Uses {
			if field, ok := obj.(*types.Var); ok && factColumns[field.Name()] != "" && isFactField(field) {
				pos := fset.Position(id.Pos())
				t.Errorf("%s/%s:%d: %s is a column of storage.Fact that means something else for each kind: call %s",
					dir, filepath.Base(pos.Filename), pos.Line, id.Name, factColumns[id.Name])
			}
		}
	}
}

// isFactField reports whether a variable is a field of storage.Fact.
func isFactField(field *types.Var) bool {
	if !field.IsField() || field.Pkg() == nil || field.Pkg().Path() != module+"/storage" {
		return false
	}
	fact := field.Pkg().Scope().Lookup("Fact").Type().Underlying().(*types.Struct)
	for f := range fact.Fields() {
		if f == field {
			return true
		}
	}
	return false
}

// within reports whether a folder is another one or lies below it.
func within(dir, other string) bool { return dir == other || strings.HasPrefix(dir, other+"/") }

// mentionsColumns reports whether a package may use the columns: only those are worth a type check.
func mentionsColumns(t *testing.T, p *listedPackage) bool {
	t.Helper()
	for _, name := range p.GoFiles {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for column := range factColumns {
			if strings.Contains(string(text), column) && strings.Contains(string(text), module+"/storage\"") {
				return true
			}
		}
	}
	return false
}
