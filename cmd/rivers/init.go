package main

import (
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
)

//go:embed project
var project embed.FS

const modulePath = "github.com/rivers-go/rivers"

// projectName is what a directory and a module may be called alike.
var projectName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func initCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init NAME", Short: "Write a new project: two assets, a test, and how to go on", Args: cobra.ExactArgs(1),
		Long: "Write a new project into the directory NAME: a pipeline of two assets, a test that passes, a go.mod and a README.\nAn existing directory must be empty.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := initProject(args[0]); err != nil {
				return err
			}
			name := filepath.Base(args[0])
			cmd.Printf("%s is ready:\n\n  cd %s\n  go mod tidy\n  go run . materialize\n  go test ./...\n", name, args[0])
			return nil
		},
	}
}

// settings fill the templates of a project.
type settings struct {
	Name, Module, Go, Version string
	// Checkout is the directory of a rivers checkout that this program was built from, empty for
	// a released one.
	Checkout string
}

// initProject writes a project into dir.
func initProject(dir string) error {
	name := filepath.Base(dir)
	if !projectName.MatchString(name) {
		return fmt.Errorf("project name %q: use letters, digits, _, - and ., beginning with a letter or _", name)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("directory %s is not empty (it has %s): give a new one", dir, entries[0].Name())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("directory %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("directory %s: %w", dir, err)
	}
	s := settings{Name: name, Module: name, Go: goVersion(), Version: "v0.0.0"}
	if info, ok := debug.ReadBuildInfo(); ok {
		s.Version, s.Checkout = origin(info)
	}
	return fs.WalkDir(project, "project", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		target := strings.TrimSuffix(strings.TrimPrefix(path, "project/"), ".tmpl")
		return write(path, filepath.Join(dir, strings.Replace(target, "dot.", ".", 1)), s)
	})
}

// goVersion is the language version for the project's go.mod.
func goVersion() string {
	v := strings.TrimPrefix(runtime.Version(), "go")
	if parts := strings.SplitN(v, ".", 3); len(parts) >= 2 {
		return parts[0] + "." + parts[1]
	}
	return v
}

// origin says which release this program is, or from which checkout it was built.
func origin(info *debug.BuildInfo) (version, checkout string) {
	if v := info.Main.Version; info.Main.Path == modulePath && v != "" && !strings.HasPrefix(v, "(devel)") && !strings.Contains(v, "-0.") && !strings.Contains(v, "+dirty") {
		return v, ""
	}
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "v0.0.0", ""
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return "v0.0.0", ""
	}
	return "v0.0.0", root
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
