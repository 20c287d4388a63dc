package proc_test

import (
	"os/exec"
	"strconv"
	"testing"

	"github.com/rivers-go/rivers/internal/proc"
)

func TestIdentityRoundTrip(t *testing.T) {
	self := proc.Self()
	read, ok := proc.Parse(self.String())
	if !ok || read != self {
		t.Errorf("%q reads as %+v, %v", self, read, ok)
	}
	for _, text := range []string{"", "host", "host/0/1/2/3", "host/x/1/2/3", "/1/1/2/3", "host/1/2/3", "a/1/2/3/4/5"} {
		if id, ok := proc.Parse(text); ok {
			t.Errorf("%q reads as %+v", text, id)
		}
		if proc.Gone(text) {
			t.Errorf("%q is taken for gone", text)
		}
		if got := proc.Describe(text); got != text {
			t.Errorf("%q is described as %q", text, got)
		}
	}
	if got, want := proc.Describe("laptop/42/1/b/n"), "process 42 on laptop"; got != want {
		t.Errorf("described as %q, want %q", got, want)
	}
}

func TestGone(t *testing.T) {
	self := proc.Self()
	if proc.Gone(self.String()) {
		t.Error("this process takes itself for gone")
	}
	child := exec.CommandContext(t.Context(), "sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	of := self
	of.PID, of.Start = child.Process.Pid, ""
	if proc.Gone(of.String()) {
		t.Error("a child that lives is taken for gone")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if !proc.Gone(of.String()) {
		t.Error("a child that was killed is not known to be gone")
	}
	for what, change := range map[string]func(*proc.Identity){
		"another machine's": func(id *proc.Identity) { id.Host = "elsewhere" },
		"another container": func(id *proc.Identity) { id.Space += "1" },
		// Two machines may have one name, so another boot is no proof of a restart.
		"another boot's":    func(id *proc.Identity) { id.Boot += "1" },
		"an unknown boot's": func(id *proc.Identity) { id.Boot = "" },
	} {
		other := of
		change(&other)
		if proc.Gone(other.String()) {
			t.Errorf("%s process is taken for gone", what)
		}
	}
}

// A number that was given again is not the process that had it.
func TestGoneAfterTheNumberWasGivenAgain(t *testing.T) {
	self := proc.Self()
	if self.Start == "" {
		t.Skip("this system does not tell when a process began")
	}
	ticks, err := strconv.Atoi(self.Start)
	if err != nil {
		t.Fatal(err)
	}
	former := self
	former.Start = strconv.Itoa(ticks - 1)
	if !proc.Gone(former.String()) {
		t.Error("a former process of this number is not known to be gone")
	}
}

// A process that has ended and whose parent has not heard of it does nothing any more.
func TestZombieIsGone(t *testing.T) {
	self := proc.Self()
	if self.Start == "" {
		t.Skip("this system does not tell the state of a process")
	}
	child := exec.CommandContext(t.Context(), "true")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	of := self
	of.PID, of.Start = child.Process.Pid, ""
	for !proc.Gone(of.String()) { // until it has ended; nobody waits for it yet
		if t.Context().Err() != nil {
			t.Fatal("a child that ended is not known to be gone")
		}
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}
