package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage/memory"
)

// told is an asset that says something else each time.
func told(rows [][]any) *rivers.CodeRepository {
	run := 0
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		run++
		ctx.AddMetadata("rows", run*run)
		ctx.AddMetadata("note", metadata.Markdown("# Users\nall of them"))
		ctx.AddMetadata("sample", metadata.Table([]metadata.Column{{Name: "id"}, {Name: "what it says of itself"}}, rows))
		return run, nil
	})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "x", Assets: []rivers.Asset{users}})
}

// At a terminal a plot is as wide as the window at the most, tables are cut, and headings are bold.
func TestMetadataAtATerminal(t *testing.T) {
	t.Setenv("RIVERS_STORAGE", "")
	rows := make([][]any, 50)
	for i := range rows {
		rows[i] = []any{i, strings.Repeat("long ", 20)}
	}
	repo := told(rows)
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := repo.Materialize(context.Background(), rivers.RunRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		width       int
		args        []string
		want, never []string
	}{
		{60, []string{"assets", "show", "users"}, []string{
			"\n    \x1b[1m# Users\x1b[0m\n    all of them\n", "\n    \x1b[90m… 30 rows more; --json has all\x1b[0m\n",
			"\nrows       ▁▂▃▅█  1    25   25\n",
		}, nil},
		{40, []string{"assets", "history", "users"}, []string{
			"\x1b[1mrows\x1b[0m\n25 ┤                ███\n", "\n 1 ┤▁▁▁ ███ ███ ███ ███\n", "  16    ",
		}, []string{"SAMPLE"}},
	} {
		var out, errs strings.Builder
		a := &app{repo: repo, Terminal: &term.Terminal{Out: &out, Err: &errs, Interactive: true, QuietFor: 1 << 40, Width: func() int { return c.width }}}
		cmd := a.command()
		cmd.SetArgs(c.args)
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v prints\n%s\nwant in it\n%q", c.args, out.String(), want)
			}
		}
		for _, never := range c.never {
			if strings.Contains(out.String(), never) {
				t.Errorf("%v prints\n%s\nand in it %q", c.args, out.String(), never)
			}
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if n := term.Cells(line); n > c.width && !strings.Contains(line, "  run ") { // that one may wrap
				t.Errorf("%v: %d cells in a window of %d: %s", c.args, n, c.width, line)
			}
		}
	}
	if err := repo.Close(); err != nil {
		t.Error(err)
	}
}

func TestMetadataTexts(t *testing.T) {
	t.Parallel()
	a := &app{Terminal: &term.Terminal{Width: func() int { return 80 }}}
	for _, c := range []struct {
		value any
		want  string
	}{
		{metadata.Schema(), "no columns"},
		{metadata.Table(nil, nil), "no columns"},
		{metadata.ColumnLineage(), "<column made of>"},
		{metadata.Schema(metadata.Column{Name: "a\nb\x1b"}), "<column>[a b�]"},
		{metadata.Table([]metadata.Column{{Name: "a"}}, [][]any{{map[string]int{"x": 1}}, {nil}, {2.5}}), `<a>[{"x":1}][][2.5]`},
		{metadata.Value{}, "null"},
		{metadata.Markdown("\n  # a\n"), "# a"},
		{map[string]int{"x": 1}, `{"x":1}`},
		{func() {}, "invalid: a value of Go type func() has no JSON form (json: unsupported type: func()): give a number, a text, a time, or something that encodes"},
	} {
		facts := a.metadataFacts(metadata.Map{"k": c.value})
		got := facts[0].text
		if t := facts[0].rows; t != nil {
			got += fmt.Sprintf("<%s>", strings.Join(t.Head, " "))
			for _, row := range t.Rows {
				texts := make([]string, len(row))
				for i := range row {
					texts[i] = row[i].Text
				}
				got += fmt.Sprint(texts)
			}
		}
		if got != c.want {
			t.Errorf("%#v is %q, want %q", c.value, got, c.want)
		}
	}
}
