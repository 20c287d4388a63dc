package plantest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Block is one question of a script and its answer.
type Block struct {
	// Line is the number of the command's line, from 1.
	Line int
	// Command is the first line, without what stands around it; Input the lines below it.
	Command string
	Input   string

	lead string // comments and empty lines above, kept as they are
	want string
}

// Run runs every script that the pattern finds. A script is a text file of blocks: a command, lines
// that belong to it, "----", the answer, and an empty line. Lines that begin with # between blocks
// are remarks. For each file begin is called, and what it returns answers the blocks in order. With
// update, the answers are written into the files instead of being compared.
func Run(t *testing.T, pattern string, update bool, begin func(t *testing.T) func(b Block) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts %s: %d found (%v)", pattern, len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runFile(t, file, update, begin(t)) })
	}
}

func runFile(t *testing.T, file string, update bool, answer func(Block) string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	blocks, rest := split(string(text))
	var out strings.Builder
	for _, b := range blocks {
		got := strings.TrimRight(answer(b), "\n")
		if got != b.want && !update {
			t.Errorf("%s:%d: %s\n%s\nwant\n%s", file, b.Line, b.Command, got, b.want)
		}
		out.WriteString(b.lead + b.Command + "\n" + b.Input + "----\n")
		if got != "" {
			out.WriteString(got + "\n")
		}
	}
	out.WriteString(rest)
	if update && out.String() != string(text) {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// split takes a script apart; rest is what stands behind the last block.
func split(text string) (blocks []Block, rest string) {
	var b Block
	part := 0 // above the command, below it, in the answer
	n := 0
	for line := range strings.Lines(text) {
		n++
		bare := strings.TrimSpace(line)
		switch {
		case part == 0 && (bare == "" || strings.HasPrefix(bare, "#")):
			b.lead += line
		case part == 0:
			b.Line, b.Command, part = n, bare, 1
		case part == 1 && bare == "----":
			part = 2
		case part == 1:
			b.Input += line
		case bare == "":
			b.want = strings.TrimRight(b.want, "\n")
			blocks, part = append(blocks, b), 0
			b = Block{lead: line}
		default:
			b.want += line
		}
	}
	if part == 0 {
		return blocks, b.lead
	}
	b.want = strings.TrimRight(b.want, "\n")
	return append(blocks, b), ""
}
