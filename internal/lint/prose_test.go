package lint

import (
	"bytes"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxCommentColumns is the width of a comment line, tabs counted as one column.
const maxCommentColumns = 100

// phrases are forbidden in comments, documents and messages, each with what to write instead.
// CONTRIBUTING.md has the rules of prose and the glossary.
var phrases = []struct {
	re      *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\bthat there (is|are)\b`), `name the thing: "unknown", "missing", "existing"`},
	{regexp.MustCompile(`(?i)\b(come|comes|came|coming) to\b`), `say what it is or becomes: "the result", "reaches", "ends as"`},
	{regexp.MustCompile(`(?i)\b(go|goes|going|went) on with\b`), `"continues"`},
	{regexp.MustCompile(`(?i)\b(pass|passes|passed|passing) over\b`), `"skip"`},
	{regexp.MustCompile(`(?i)\bof which\b`), `a second sentence`},
	{regexp.MustCompile(`(?i)\b(is|are|was|were|be|been) said\b|\bsays\b`), `"reports", "describes", "returns": things do not speak`},
	{regexp.MustCompile(`(?i)\bany more\b`), `"no longer"`},
	{regexp.MustCompile(`(?i)\bwhoever\b`), `name the actor: "the caller", "any command that"`},
	{regexp.MustCompile(`(?i)\bby hand\b`), `"manual", "an operator"`},
	{regexp.MustCompile(`(?i)\b(have|has|having) (a|an|the|it|its|them|something|\w+s) done\b`), `say who does it`},
}

func TestProseIsPlain(t *testing.T) {
	faults := map[string][]string{}
	for _, s := range production(t) {
		faults[s.dir()] = append(faults[s.dir()], s.prose()...)
	}
	report(t, faults)
}

func TestDocumentsArePlain(t *testing.T) {
	root := moduleRoot(t)
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	faults := map[string][]string{}
	for _, name := range append(names, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		at = filepath.ToSlash(at)
		n := 0
		for line := range bytes.Lines(text) {
			n++
			faults[at] = append(faults[at], plain(at+":"+strconv.Itoa(n), string(line))...)
		}
	}
	report(t, faults)
}

// report fails for every fault, package by package or document by document.
func report(t *testing.T, faults map[string][]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		for _, fault := range faults[name] {
			t.Error(fault)
		}
	}
}

// prose returns what is wrong with the comments and string literals of a file.
func (s source) prose() []string {
	var faults []string
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:") || strings.HasPrefix(c.Text, "//nolint") {
				continue
			}
			from := s.fset.Position(c.Pos())
			for i, line := range strings.Split(c.Text, "\n") {
				at := s.path + ":" + strconv.Itoa(from.Line+i)
				columns := utf8.RuneCountInString(line)
				if i == 0 && startsLine(s.text, from.Offset) {
					columns += from.Column - 1
				}
				if columns > maxCommentColumns && strings.Contains(strings.TrimLeft(line, "/ \t"), " ") {
					faults = append(faults, at+": a comment line of "+strconv.Itoa(columns)+" columns, the budget is "+strconv.Itoa(maxCommentColumns))
				}
				faults = append(faults, plain(at, line)...)
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			faults = append(faults, plain(s.at(lit), lit.Value)...)
		}
		return true
	})
	return faults
}

// startsLine reports whether only white space stands before an offset in its line.
func startsLine(text string, offset int) bool {
	return strings.TrimSpace(text[strings.LastIndexByte(text[:offset], '\n')+1:offset]) == ""
}

// plain returns the forbidden phrases of a line.
func plain(at, line string) []string {
	var faults []string
	for _, p := range phrases {
		if found := p.re.FindString(line); found != "" {
			faults = append(faults, at+": "+strconv.Quote(found)+": write "+p.instead)
		}
	}
	return faults
}

func TestPhrases(t *testing.T) {
	for line, want := range map[string]int{
		"// Get returns one value, false if there is none.":       0,
		"// An asset that there is not has empty sets.":           1,
		"// Whoever reads it passes over what is said.":           3,
		"// The run no longer holds its slots.":                   0,
		"// RunAction has an action done to assets.":              0,
		"// Deletes comes to nothing, and nobody has it any more": 2,
	} {
		if got := plain("", line); len(got) != want {
			t.Errorf("%q: %q, want %d", line, got, want)
		}
	}
}
