package lint

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A message is a fact: what was being done, to what, what was found, what would be
// right. These phrases take the place of one.
func TestErrorsStateFacts(t *testing.T) {
	empty := regexp.MustCompile(`(?i)\b(failed to|error while|error when|cannot|could not|couldn't|unable to)\b`)
	for _, s := range production(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !calls(call, "errors", "New") && !calls(call, "fmt", "Errorf") {
				return true
			}
			if text, ok := literal(call); ok && empty.MatchString(text) {
				t.Errorf("%s: %q: leave out %q: name the thing, what was found, and what would be right",
					s.at(call), text, empty.FindString(text))
			}
			return true
		})
	}
}

// A test that sleeps is slow when it passes and fails when the machine is. In a bubble
// of synctest sleeping costs nothing.
func TestNoTestSleeps(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test || s.imports("testing/synctest") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && calls(call, "time", "Sleep") {
				t.Errorf("%s: time.Sleep: use a synctest bubble, a signal from inside the loop, or a clock passed in", s.at(call))
			}
			return true
		})
	}
}

// A skipped test says why, or it is a hole nobody sees.
func TestSkipsGiveTheirReason(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test && !s.suite() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(sel.Sel.Name, "Skip") {
				text, constant := literal(call)
				silent := sel.Sel.Name == "SkipNow" || len(call.Args) == 0 || constant && strings.TrimSpace(text) == ""
				if isTest(sel.X) && silent {
					t.Errorf("%s: %s without a reason: t.Skip(\"…\") says why, and when it will run", s.at(call), sel.Sel.Name)
				}
			}
			return true
		})
	}
}

// What is committed is read on other machines.
func TestNothingNamesAMachine(t *testing.T) {
	root := moduleRoot(t)
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	list, err := cmd.Output()
	if err != nil {
		t.Skipf("git does not know this tree, so there is nothing committed to read: %v", err)
	}
	// Written in pieces, for this file is read too.
	private := regexp.MustCompile(`(^|[^\w.-])/(wo` + `rk|ro` + `ot|tmp/ba` + `sh_jobs)/|\.\./sha` + `red\b`)
	for name := range bytes.SplitSeq(bytes.TrimRight(list, "\x00"), []byte{0}) {
		text, err := os.ReadFile(filepath.Join(root, string(name)))
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			continue // deleted but not yet committed, a folder, or no text
		}
		n := 0
		for line := range bytes.Lines(text) {
			n++
			if found := private.Find(line); found != nil {
				t.Errorf("%s:%d: %q is a path of one machine: say it relative to the repository", name, n, found)
			}
		}
	}
}

// calls tells whether the call is pkg.name(…).
func calls(call *ast.CallExpr, pkg, name string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// literal is the text of the first argument, where it is one.
func literal(call *ast.CallExpr) (string, bool) {
	if len(call.Args) == 0 {
		return "", false
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// isTest tells what a *testing.T, B or F is called by everybody.
func isTest(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && (id.Name == "t" || id.Name == "b" || id.Name == "f" || id.Name == "tb")
}
