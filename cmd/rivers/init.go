package main

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli"
)

//go:embed project
var project embed.FS

const (
	modulePath = "github.com/rivers-go/rivers"
	// language is the oldest Go that compiles rivers.
	language = "1.26.0"
)

// projectName is what a directory and a module may be called alike.
var projectName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func initCommand() *cobra.Command {
	var checkout string
	c := &cobra.Command{
		Use: "init NAME", Short: "Write a new project: two assets, a test, and how to go on",
		Long: `Write a new project into the directory NAME: a pipeline of two assets, a test that passes, a go.mod and a README.
An existing directory must be empty. The last part of NAME becomes the name of the module.

A rivers that was built from a checkout writes a go.mod that uses this checkout, with its versions and sums of every
module, so that the project builds without a network.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.BadRequest(fmt.Errorf("rivers init takes one NAME (got %d): see rivers init --help", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkName(filepath.Base(args[0])); err != nil {
				return err
			}
			o, err := originOf(checkout)
			if err != nil {
				return err
			}
			if err := initProject(args[0], o); err != nil {
				return err
			}
			tidy := ""
			if o.checkout == "" {
				tidy = "  go mod tidy\n"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is ready:\n\n  cd %s\n%s  go run . materialize\n  go test ./...\n", filepath.Base(args[0]), args[0], tidy)
			return err
		},
	}
	c.Flags().StringVar(&checkout, "replace", "", "a checkout of rivers to use (default: the one that this program was built from, if any)")
	return c
}

// origin is where a project gets rivers from: a release, or a checkout on this machine.
type origin struct{ version, checkout string }

// originOf reports which release this program is, or from which checkout it was built, unless one
// is named.
func originOf(named string) (origin, error) {
	if named != "" {
		root, err := filepath.Abs(named)
		if err == nil && !isCheckout(root) {
			err = fmt.Errorf("it has no go.mod of %s: name the directory of a checkout", modulePath)
		}
		if err != nil {
			return origin{}, cli.BadRequest(fmt.Errorf("--replace %s: %w", named, err))
		}
		return origin{"v0.0.0", root}, nil
	}
	// Only a module that came through the proxy has a sum: the version of a checkout is made up.
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == modulePath && info.Main.Sum != "" {
		return origin{version: info.Main.Version}, nil
	}
	if _, file, _, ok := runtime.Caller(0); ok {
		return originOfSource(file)
	}
	return origin{}, errNoOrigin
}

var errNoOrigin = errors.New("this rivers is no release, and the checkout that it was built from is not to be found: name one with --replace DIR")

// originOfSource returns the checkout that has this file at this place: a program that was built
// with -trimpath remembers a path that no machine has.
func originOfSource(file string) (origin, error) {
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if !filepath.IsAbs(root) || !isCheckout(root) {
		return origin{}, errNoOrigin
	}
	return origin{"v0.0.0", root}, nil
}

// isCheckout reports whether a directory holds the module of rivers.
func isCheckout(root string) bool {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	return err == nil && bytes.HasPrefix(mod, []byte("module "+modulePath+"\n"))
}

// settings fill the templates of a project.
type settings struct {
	Name, Language, Version string
	// Checkout is the directory of the checkout that is used, empty for a release, Quoted the
	// same as go.mod spells it, and Requires the modules that the checkout needs.
	Checkout, Quoted string
	Requires         []string
}

func checkName(name string) error {
	if !projectName.MatchString(name) {
		return cli.BadRequest(fmt.Errorf("project name %q: use letters, digits, _, - and ., beginning with a letter or _", name))
	}
	return nil
}

// initProject writes a project into dir.
func initProject(dir string, o origin) error {
	name := filepath.Base(dir)
	if err := checkName(name); err != nil {
		return err
	}
	s := settings{Name: name, Language: language, Version: o.version, Checkout: o.checkout, Quoted: modString(o.checkout)}
	var sums []byte
	if o.checkout != "" {
		mod, err := os.ReadFile(filepath.Join(o.checkout, "go.mod"))
		if err != nil {
			return fmt.Errorf("checkout %s: %w", o.checkout, err)
		}
		s.Requires = requires(mod)
		if sums, err = os.ReadFile(filepath.Join(o.checkout, "go.sum")); err != nil {
			return fmt.Errorf("checkout %s: %w", o.checkout, err)
		}
	}
	if err := emptyDirectory(dir); err != nil {
		return err
	}
	err := fs.WalkDir(project, "project", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		target := strings.TrimSuffix(strings.TrimPrefix(path, "project/"), ".tmpl")
		return write(path, filepath.Join(dir, strings.Replace(target, "dot.", ".", 1)), s)
	})
	if err != nil || sums == nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o666) //nolint:gosec // as go mod tidy would: the umask decides
}

// emptyDirectory makes a directory, or takes one that is empty.
func emptyDirectory(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return cli.BadRequest(fmt.Errorf("directory %s is not empty (it has %s): give a new one", dir, entries[0].Name()))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return cli.BadRequest(fmt.Errorf("directory %s: %w: give a new one", dir, err))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("directory %s: %w", dir, err)
	}
	return nil
}

// requires returns "path version" of every module that a go.mod requires in blocks.
func requires(mod []byte) []string {
	var found []string
	inside := false
	for lines := bufio.NewScanner(bytes.NewReader(mod)); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "//")
		switch line = strings.TrimSpace(line); {
		case line == "require (":
			inside = true
		case line == ")":
			inside = false
		case inside && line != "":
			found = append(found, line)
		}
	}
	return found
}

// modString spells a path for go.mod, which wants quotes around spaces and the like.
func modString(path string) string {
	if strings.ContainsAny(path, " \"'`,()[]") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path) + `"`
	}
	return path
}

func write(source, target string, s settings) error {
	text, err := project.ReadFile(source)
	if err != nil {
		return err
	}
	t, err := template.New(source).Delims("<<", ">>").Parse(string(text))
	if err != nil {
		return fmt.Errorf("template %s: %w", source, err)
	}
	f, err := os.Create(target)
	if err != nil {
		return err
	}
	if err := t.Execute(f, s); err != nil {
		return errors.Join(fmt.Errorf("file %s: %w", target, err), f.Close())
	}
	return f.Close()
}
