package subprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

// bodies are what steps do, in their processes.
var bodies = map[string]func(context.Context, Step) engine.Report{
	"nothing": func(context.Context, Step) engine.Report { return done },
	"says": func(_ context.Context, s Step) engine.Report {
		fmt.Println("to stdout")
		fmt.Fprint(os.Stderr, "to stderr\nwithout an end")
		s.Sink.Log(storage.LogLine{Message: "logged", Level: slog.LevelWarn, Attrs: `{"a":1}`})
		return engine.Report{
			Kind: storage.StepSucceeded, Facts: []graph.Facts{{
				DataVersion: "v1", Tags: map[string]string{"k": "v"},
				Metadata: metadata.Map{"rows": 3, "took": time.Second, "bad": func() {}},
			}},
		}
	},
	"told": func(_ context.Context, s Step) engine.Report {
		said(s, fmt.Sprintf("%s %s %s %v %s", s.Location, s.RunID, s.Job, s.Tags, s.Config))
		said(s, fmt.Sprintf("%+v", s.Task))
		said(s, fmt.Sprintf("%q %q", os.Getenv(Variable), os.Getenv("GOMEMLIMIT")))
		return done
	},
	"kills itself": func(context.Context, Step) engine.Report {
		fmt.Fprintln(os.Stderr, "farewell")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	},
	"hangs up": func(context.Context, Step) engine.Report {
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
		select {}
	},
	"exits": func(context.Context, Step) engine.Report {
		fmt.Fprintln(os.Stderr, "had enough")
		os.Exit(3)
		return done
	},
	"exits well": func(context.Context, Step) engine.Report { os.Exit(0); return done },
	"exits like a crash": func(context.Context, Step) engine.Report {
		fmt.Fprintln(os.Stderr, "panic: only words")
		os.Exit(2)
		return done
	},
	"panics elsewhere": func(context.Context, Step) engine.Report {
		go func() { panic(errors.New("in a goroutine")) }()
		select {}
	},
	"writes a map twice": func(context.Context, Step) engine.Report {
		m := map[int]int{}
		for range 2 {
			go func() {
				for i := 0; ; i++ {
					m[i%10] = i
				}
			}()
		}
		select {}
	},
	"eats": func(_ context.Context, s Step) engine.Report {
		var held [][]byte
		for range 200 {
			b := bytes.Repeat([]byte{1}, 8<<20)
			held = append(held, b)
		}
		runtime.KeepAlive(held)
		return failed(errors.New("it was let to eat"))
	},
	"has one eat": func(_ context.Context, s Step) engine.Report {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleVariable+"=eats")
		err := cmd.Run()
		return failed(fmt.Errorf("it was let to have one eat: %w", err))
	},
	"waits": func(ctx context.Context, s Step) engine.Report {
		said(s, fmt.Sprint("pid ", os.Getpid()))
		<-ctx.Done()
		said(s, "because "+context.Cause(ctx).Error())
		if errors.Is(context.Cause(ctx), engine.ErrCanceled) {
			return engine.Report{Kind: storage.StepCanceled, Failure: &engine.RemoteError{Message: "gave up"}}
		}
		return engine.Report{Kind: storage.StepCanceled, Failure: &engine.RemoteError{Message: "interrupted"}}
	},
	"asks for a term": func(ctx context.Context, s Step) engine.Report {
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		<-ctx.Done()
		return engine.Report{Kind: storage.StepCanceled, Failure: &engine.RemoteError{Message: context.Cause(ctx).Error()}}
	},
	"does not listen": func(_ context.Context, s Step) engine.Report {
		cmd := exec.Command("sh", "-c", "trap '' TERM; echo pid $$; while :; do sleep 1000; done")
		cmd.Stdout = os.Stdout
		if err := cmd.Start(); err != nil {
			return failed(err)
		}
		said(s, fmt.Sprint("pid ", os.Getpid()))
		select {}
	},
	"leaves a process": func(_ context.Context, s Step) engine.Report {
		if err := leave("echo pid $$; exec sleep 1000 >/dev/null 2>&1"); err != nil {
			return failed(err)
		}
		return done
	},
	"leaves one that speaks": func(_ context.Context, s Step) engine.Report {
		if err := leave("echo pid $$; sleep 0.2; echo late; exec sleep 1000 >/dev/null 2>&1"); err != nil {
			return failed(err)
		}
		return done
	},
	"leaves one that is silent": func(_ context.Context, s Step) engine.Report {
		if err := leave("echo pid $$; exec sleep 1000"); err != nil {
			return failed(err)
		}
		return done
	},
	"leaves and dies": func(_ context.Context, s Step) engine.Report {
		if err := leave("echo pid $$; exec sleep 1000"); err != nil {
			return failed(err)
		}
		os.Exit(4)
		return done
	},
	"floods": func(context.Context, Step) engine.Report {
		line := strings.Repeat("x", 1023) + "\n"
		block := []byte(strings.Repeat(line, 1024))
		for range 50 {
			_, _ = os.Stdout.Write(block)
		}
		return done
	},
	"one long line": func(context.Context, Step) engine.Report {
		block := []byte(strings.Repeat("y", 1<<20))
		for range 20 {
			_, _ = os.Stdout.Write(block)
		}
		return done
	},
	"logs much": func(_ context.Context, s Step) engine.Report {
		said(s, strings.Repeat("z", 20<<20))
		for i := range 1000 {
			said(s, fmt.Sprint(i))
		}
		return done
	},
	"closes the connection": func(context.Context, Step) engine.Report {
		_ = syscall.Close(childFD)
		select {}
	},
	"writes into the connection": func(context.Context, Step) engine.Report {
		_, _ = syscall.Write(childFD, []byte("hello, whoever you are"))
		select {}
	},
	"dies in the middle of its report": func(_ context.Context, s Step) engine.Report {
		said(s, "nearly")
		_, _ = syscall.Write(childFD, []byte{byte(kindReport), 0xff, 0xff, 0x03, 1, 2, 3})
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	},
	"reads":           readsStorage,
	"reads and tells": readsAndTells,
	"stops reading": func(_ context.Context, s Step) engine.Report {
		var begun sync.WaitGroup
		for range 32 {
			begun.Add(1)
			go func() {
				begun.Done()
				_, _ = s.Storage.GetKV(context.Background(), "large")
			}()
		}
		begun.Wait()
		said(s, fmt.Sprint("pid ", os.Getpid()))
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	},
	"emits": func(_ context.Context, s Step) engine.Report {
		for pos := range 3 {
			said(s, fmt.Sprint("before ", pos))
			err := s.Sink.Emit(pos, graph.Facts{DataVersion: fmt.Sprint("v", pos)})
			said(s, fmt.Sprint(pos, ": ", err, " ", errors.Is(err, engine.ErrCanceled)))
		}
		return done
	},
	"done and dawdles":         func(context.Context, Step) engine.Report { return done },
	"done and exits otherwise": func(context.Context, Step) engine.Report { return done },
	"does not do it":           func(context.Context, Step) engine.Report { return failed(errors.New("no")) },
}

// afterwards is what steps do once their outcome is known.
var afterwards = map[string]func(){
	"done and dawdles":         func() { select {} },
	"done and exits otherwise": func() { os.Exit(7) },
}

// leave starts a process that outlives this one.
func leave(script string) error {
	cmd := exec.Command("sh", "-c", script)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Start()
}

// roles are other programs than a test and a step, by the value of roleVariable.
var roles = map[string]func() int{
	"eats": func() int { bodies["eats"](context.Background(), Step{}); return 0 },
}
