package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Password is that of the user "rivers", so that tests can look for it where it must not be.
const Password = "correct-horse/battery@staple"

// Options say how a server is started. The zero value is quickest.
type Options struct {
	// Fsync makes the server wait for the disk, as one that keeps real data does. Without it a commit
	// survives the end of any process, which is all that a test can bring about.
	Fsync bool
}

// Server is a running server, made by [Start]. Its methods may be called one at a time; [Server.URL] at
// any time.
type Server struct {
	dir    string // has the data, the log, and the shell's working directory
	tools  tools
	port   int
	stores atomic.Int64
	pipe   io.Closer
	keeper *exec.Cmd
}

// Start makes a server and waits until it answers. Where PostgreSQL is not installed the error is
// [ErrNotInstalled].
func Start(ctx context.Context, o Options) (s *Server, err error) {
	found, err := findTools()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rivers-postgres-")
	if err != nil {
		return nil, err
	}
	s = &Server{dir: dir, tools: found}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := found.user.own(dir); err != nil {
		return nil, err
	}
	if err := s.keep(); err != nil {
		return nil, err
	}
	if err := s.initialize(ctx, o); err != nil {
		return nil, err
	}
	return s, s.Start(ctx)
}

// keep starts the shell that cleans up when this process has ended.
func (s *Server) keep() (err error) {
	const script = `trap '' HUP INT TERM
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
	kill -QUIT "$pid" 2>/dev/null
	while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
fi
cd / && rm -rf "$1"`
	s.keeper = exec.Command("sh", "-c", script, "sh", s.dir) //nolint:noctx // it outlives every context, that is what it is for
	s.keeper.Dir = s.dir
	s.keeper.SysProcAttr = s.tools.user.attributes()
	s.keeper.SysProcAttr.Setsid = true // a Ctrl-C at the terminal is not for it
	if s.pipe, err = s.keeper.StdinPipe(); err != nil {
		return err
	}
	return s.keeper.Start()
}

func (s *Server) initialize(ctx context.Context, o Options) error {
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o644); err != nil {
		return err
	}
	err := s.run(ctx, "initdb", "-D", s.data(), "-U", "rivers", "-A", "password", "--pwfile", password,
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	settings := "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\n"
	if !o.Fsync {
		settings += "fsync = off\nfull_page_writes = off\n"
	}
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(settings)
	return errors.Join(err, f.Close())
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// run executes one of PostgreSQL's programs.
func (s *Server) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.tools.bin, program), args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = s.tools.user.attributes()
	// A file and no pipe: the server keeps it open, and nobody shall wait for its end.
	said, err := os.Create(filepath.Join(s.dir, program+".out"))
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = said, said
	if err = errors.Join(cmd.Run(), said.Close()); err == nil {
		return nil
	}
	text, _ := os.ReadFile(said.Name())          // it says why, if it was written
	log, _ := os.ReadFile(s.dir + "/server.log") // as does this one
	return fmt.Errorf("%s: %w\n%s\n%s", program, err, text, log)
}

// Start starts a server that was stopped, on the port it had. It waits until the server answers.
func (s *Server) Start(ctx context.Context) (err error) {
	for range 10 { // somebody else may take a port between looking and listening
		port := s.port
		if port == 0 {
			if port, err = freePort(); err != nil {
				return err
			}
		}
		err = s.run(ctx, "pg_ctl", "start", "-D", s.data(), "-l", filepath.Join(s.dir, "server.log"), "-w", "-o", fmt.Sprintf("-p %d", port))
		if err == nil {
			s.port = port
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
	}
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it waits for nothing
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Stop ends the server as its service manager would: open transactions are rolled back, connections
// closed. It waits until the server has ended.
func (s *Server) Stop(ctx context.Context) error {
	return s.run(ctx, "pg_ctl", "stop", "-D", s.data(), "-m", "fast", "-w")
}

// Kill ends the server with SIGKILL, as a machine that fails would: nothing is closed, nothing rolled
// back until it is started again.
func (s *Server) Kill() error {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return fmt.Errorf("the server's process id: %w", err)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// URL returns the URL of an empty store: a schema that no other call returns and that does not exist yet.
// The password is in it.
func (s *Server) URL() string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("rivers", Password), Host: fmt.Sprintf("127.0.0.1:%d", s.port), Path: "/postgres",
		RawQuery: fmt.Sprintf("sslmode=disable&schema=store_%d", s.stores.Add(1)),
	}
	return u.String()
}

// Close stops the server and removes all that belongs to it. It need not be called: the end of the
// process does the same.
func (s *Server) Close() error {
	if s.keeper == nil || s.keeper.Process == nil {
		return os.RemoveAll(s.dir)
	}
	return errors.Join(s.pipe.Close(), s.keeper.Wait())
}
