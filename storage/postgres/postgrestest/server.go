package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Password is that of the user "rivers", so that tests can look for it where it must not be.
const Password = "correct-horse/battery@staple"

// Options say how a server is started. The zero value is quickest.
type Options struct {
	// Fsync makes the server wait for the disk, as one that keeps real data does. Without it a commit
	// survives the end of any process, which is all that a test can bring about.
	Fsync bool
}

// Server is a running server, made by [Start]. Its methods may be called one at a time;
// [Server.URL] at any time.
type Server struct {
	dir    string // has the data, the log, and the shell's working directory
	tools  tools
	port   int
	stores atomic.Int64
	pipe   io.Closer
	kept   chan struct{} // closed when the shell has ended, nil before it was started

	process *os.Process
	ended   <-chan struct{}
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
	err = s.Start(ctx)
	return s, err
}

// keep starts the shell that cleans up when this process has ended.
func (s *Server) keep() (err error) {
	const script = `trap '' HUP INT TERM
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
	kill -QUIT "$pid" 2>/dev/null
	for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null && sleep 0.1; done
fi
cd / && rm -rf "$1"`
	keeper := exec.Command("sh", "-c", script, "sh", s.dir) //nolint:noctx // it outlives every context, that is what it is for
	keeper.Dir = s.dir
	keeper.SysProcAttr = s.tools.user.attributes()
	keeper.SysProcAttr.Setsid = true // a Ctrl-C at the terminal is not for it
	if s.pipe, err = keeper.StdinPipe(); err != nil {
		return err
	}
	if err := keeper.Start(); err != nil {
		return err
	}
	s.kept = make(chan struct{})
	go func() { // which keeps the server, and so the pipe, from the collector when nobody else does
		_ = keeper.Wait() // it has nothing to say
		close(s.kept)
	}()
	return nil
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
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, said)
	}
	return nil
}

// Start starts a server that was stopped, on the port it had. It waits until the server answers.
func (s *Server) Start(ctx context.Context) error {
	var err error
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	// Somebody else may take a port between looking and listening, and processes of a server that was
	// killed may still be on their way out.
	for range 500 {
		port := s.port
		if port == 0 {
			if port, err = freePort(); err != nil {
				return err
			}
		}
		if err := s.launch(port); err != nil {
			return err
		}
		if err = s.ready(ctx, tick.C); err == nil {
			s.port = port
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
	return err
}

// launch starts the server's process. It is our own child, so that it is gone when it has ended.
func (s *Server) launch(port int) error {
	log, err := os.OpenFile(s.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.tools.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(port)) //nolint:noctx // it is stopped
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = s.tools.user.attributes()
	cmd.SysProcAttr.Setsid = true
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}()
	s.process, s.ended = cmd.Process, ended
	return nil
}

// ready waits until the server's file reports that it takes connections.
func (s *Server) ready(ctx context.Context, tick <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			log, err := os.ReadFile(s.log())
			return errors.Join(fmt.Errorf("the server has ended:\n%s", log), err)
		case <-tick:
		}
		text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		lines := strings.Split(string(text), "\n")
		if len(lines) > 7 && lines[0] == strconv.Itoa(s.process.Pid) && strings.TrimSpace(lines[7]) == "ready" {
			return nil
		}
	}
}

func (s *Server) log() string { return filepath.Join(s.dir, "server.log") }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it waits for nothing
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Stop ends the server as its service manager would: open transactions are rolled back, connections
// closed. It waits until the server has ended.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill ends the server with SIGKILL, as a machine that fails would: nothing is closed, nothing
// rolled back until it is started again.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(signal os.Signal) error {
	if err := s.process.Signal(signal); err != nil {
		return err
	}
	<-s.ended
	return nil
}

// URL returns the URL of an empty store: a schema that no other call returns and that does not
// exist yet. The password is in it.
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
	if s.kept == nil {
		return os.RemoveAll(s.dir)
	}
	err := s.pipe.Close()
	<-s.kept
	return err
}
