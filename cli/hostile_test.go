package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// orders are what a terminal obeys: clear the screen, set the title and the clipboard, go back, turn the text.
const orders = "A\x1b[2JB\x1b]0;title\x07C\x1b]52;c;aGk=\x07D\rE\bF\u202eG\u2066H\u009b31mI\x00J\x7fK\u2028L"

// hostile is a program all of whose texts have orders in them.
func hostile() *rivers.CodeRepository {
	key := strings.ReplaceAll(orders, "\x00", "") // no key has a NUL
	keys := partition.Dynamic("keys")
	meta := metadata.Map{"note": orders, "doc": metadata.Markdown("# " + orders), "link": orders}
	fails := rivers.NewAsset(rivers.AssetSpec{Name: "fails", Description: orders, Metadata: meta, CodeVersion: "v" + key},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			ctx.Log().Warn(orders, orders, orders)
			return 0, errors.New(orders)
		})
	panics := rivers.NewAsset(rivers.AssetSpec{Name: "panics"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { panic(orders) })
	skips := rivers.NewAsset(rivers.AssetSpec{Name: "skips"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, rivers.Skip(orders) })
	makes := rivers.NewAsset(rivers.AssetSpec{Name: "makes", Description: orders, Metadata: meta, Freshness: freshness.TimeWindow(time.Hour)},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (rivers.Materialization, error) {
			ctx.Log().Info(orders)
			return rivers.Materialization{DataVersion: "d" + key, Metadata: meta, Tags: map[string]string{"tag": orders}}, nil
		})
	parts := rivers.NewAsset(rivers.AssetSpec{Name: "parts", Partitions: keys}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		if strings.HasPrefix(ctx.Partition().Key().String(), "bad") {
			return 0, errors.New(orders)
		}
		return 1, nil
	})
	bash := rivers.NewBashTask(rivers.BashTaskSpec{Name: "prints", Description: orders, Command: `printf 'a\033[2Jb\033]0;t\007c\rd\302\233e\n'; printf '\033[2J\n' >&2`})
	check := rivers.NewCheck(rivers.CheckSpec{Name: "fine", Asset: "makes", Description: orders, Metadata: meta}, func(*rivers.CheckContext, rivers.NoInput) (rivers.CheckResult, error) {
		return rivers.CheckResult{Description: orders, Metadata: meta, Severity: rivers.SeverityWarn}, nil
	})
	outside := rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "outside", Description: orders, Observe: func(*rivers.AssetContext) (rivers.Observation, error) {
		return rivers.Observation{DataVersion: "d" + key, Metadata: meta}, nil
	}})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "hostile", Assets: []rivers.Asset{fails, panics, skips, makes, parts, outside}, Tasks: []rivers.Node{bash}, Checks: []*rivers.Check{check},
		Jobs: []rivers.Job{{Name: "job", Description: orders, Select: "makes", Tags: map[string]string{"tag": orders}}}, PoolLimits: map[string]int{"pool": 1},
	})
}

// hostileCommands are the arguments of every command, in an order in which they have something to show.
var hostileCommands = [][]string{
	{"validate"},
	{"graph"},
	{"partitions", "add", "keys", "good\x1b[2J\u202e", "bad\x1b]0;t\x07\u009b"},
	{"materialize", "--tag", "tag=" + strings.ReplaceAll(orders, "\x00", ""), "fails", "panics", "skips", "makes", "prints"},
	{"materialize", "nothing\x1b[2J"},
	{"materialize", "--run-id", "run\x1b[2J", "makes"},
	{"materialize", "--config", "{\x1b[2J", "makes"},
	{"materialize", "--dry-run"},
	{"backfill", "parts"},
	{"backfill", "list"},
	{"backfill", "show", "latest"},
	{"backfill", "cancel", "latest"},
	{"backfill", "resume", "latest"},
	{"backfill", "rerun", "latest"},
	{"observe"},
	{"assets", "list"},
	{"assets", "show", "makes"},
	{"assets", "show", "fails"},
	{"assets", "show", "parts"},
	{"assets", "show", "\x1b[2J"},
	{"assets", "history", "makes"},
	{"actions", "list"},
	{"actions", "run", "\x1b[2J"},
	{"checks", "list"},
	{"checks", "run", "makes"},
	{"checks", "history", "makes:fine"},
	{"partitions", "list", "parts"},
	{"partitions", "status", "parts"},
	{"partitions", "mark", "parts", "--partition", "good\x1b[2J\u202e", "--reason", "r\x1b[2J"},
	{"partitions", "wipe", "parts", "--partition", "good\x1b[2J\u202e", "--reason", "r\x1b[2J"},
	{"partitions", "delete", "keys", "good\x1b[2J\u202e"},
	{"pools", "list"},
	{"pools", "holders"},
	{"pools", "set", "pool", "2"},
	{"pools", "free", "\x1b[2J", "step"},
	{"runs", "list"},
	{"runs", "show", "latest"},
	{"runs", "logs", "latest"},
	{"runs", "retry", "latest"},
	{"runs", "cancel", "latest"},
	{"runs", "show", "\x1b[2J"},
	{"events", "latest"},
	{"freshness"},
	{"values", "prune", "--dry-run"},
	{"db", "check"},
	{"db", "migrate"},
	{"db", "prune"},
	{"nothing\x1b[2J"},
	{"runs", "list", "--nothing\x1b[2J"},
	{"--storage", "no\x1b[2J", "runs", "list"},
}

// No command writes an order of a stranger's text to the terminal, and JSON stays JSON.
func TestNoCommandObeysStrangers(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, dir := filepath.Join(t.TempDir(), "hostile"), t.TempDir()
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	walked := map[string]bool{}
	shown := 0
	for _, args := range hostileCommands {
		for _, flags := range [][]string{nil, {"--json"}} {
			cmd := exec.Command(program, slices.Concat(flags, args)...)
			cmd.Dir = dir
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() < 0 {
				t.Fatalf("%q: %v", args, err)
			}
			for _, text := range []string{stdout.String(), stderr.String()} {
				shown += strings.Count(text, `\u001b`)
				for i, r := range text {
					if r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' {
						t.Fatalf("%q %q writes %U: %q", flags, args, r, text[max(0, i-60):min(len(text), i+60)])
					}
				}
			}
			if flags != nil && stdout.Len() > 0 {
				for _, line := range strings.SplitAfter(strings.TrimSpace(stdout.String()), "\n}\n") {
					if !json.Valid([]byte(line)) && !eachLineIsJSON(stdout.String()) {
						t.Errorf("%q prints what is no JSON: %q", args, stdout.String())
						break
					}
				}
			}
		}
		walked[strings.Join(args[:min(2, len(args))], " ")], walked[args[0]] = true, true
	}
	if shown < 50 {
		t.Errorf("%d orders are shown in words: the program is not hostile enough", shown)
	}
	for _, path := range leaves(cli.Command(hostile()), "") {
		if !walked[path] {
			t.Errorf("command %q is not walked: add it to hostileCommands", path)
		}
	}
}

func eachLineIsJSON(text string) bool {
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) {
			return false
		}
	}
	return true
}

// leaves are the paths of the commands below one that do something.
func leaves(c *cobra.Command, path string) []string {
	var all []string
	for _, sub := range c.Commands() {
		if sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		below := strings.TrimSpace(path + " " + sub.Name())
		if sub.HasSubCommands() {
			all = append(all, leaves(sub, below)...)
		} else {
			all = append(all, below)
		}
	}
	return all
}
