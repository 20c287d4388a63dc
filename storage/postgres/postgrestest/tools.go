package postgrestest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ErrNotInstalled means that PostgreSQL has no binaries here, and what to do about it.
var ErrNotInstalled = errors.New("no PostgreSQL server is installed: apt-get install postgresql, brew install postgresql, " +
	"or put the directory of initdb and pg_ctl on the PATH")

// tools are PostgreSQL's programs and the user who may run them.
type tools struct {
	bin  string
	user account
}

func findTools() (tools, error) {
	bin, err := findBin()
	if err != nil {
		return tools{}, err
	}
	a, err := findAccount()
	return tools{bin, a}, err
}

// findBin returns the directory of the programs: that of the newest version that Debian keeps
// aside, else the one on the PATH.
func findBin() (string, error) {
	kept, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl")
	if err != nil {
		return "", err
	}
	if len(kept) > 0 {
		newest := slices.MaxFunc(kept, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("pg_ctl")
	if err != nil {
		return "", ErrNotInstalled
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "initdb")); err != nil {
		return "", ErrNotInstalled
	}
	return filepath.Dir(path), nil
}

// version is the number in /usr/lib/postgresql/15/bin/pg_ctl.
func version(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0 // a directory that somebody else made
	}
	return n
}

// account is who the server runs as. The zero value is who we are.
type account struct{ uid, gid int }

func findAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			return account{}, err
		}
		gid, err := strconv.Atoi(u.Gid)
		return account{uid, gid}, err
	}
	return account{}, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor nobody: add one: %w", ErrNotInstalled)
}

func (a account) attributes() *syscall.SysProcAttr {
	if a == (account{}) {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}}
}

func (a account) own(path string) error {
	if a == (account{}) {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}
