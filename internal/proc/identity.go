// Package proc asks the operating system about processes: who this one is, whether another one is
// gone, what one prints, and what a group of them has of the machine's memory.
//
// A run belongs to a process, and when that dies its lease ends by itself some time later. Mostly
// there is no need to wait: a process on the same machine can see that the other is gone. It must
// never believe so wrongly, for a run that has two owners wastes the work of one of them (the store
// keeps it correct all the same, see storage.Fence). So an identity has everything that tells one
// process from another of the same number: the machine's name, when the process began, the boot of
// the machine and the namespace of process numbers, since containers count theirs anew. Where any
// of it differs or is not known, nothing is claimed. Another boot may be that of another machine of
// the same name: machines of one image share names, and files that would tell them apart. So what
// a restart of the machine ended is left to its lease.
//
// What a process prints is cut into lines of a bounded length, for it may print without a line
// break for ever. What a group has of the memory is what cannot be taken back from it: a mapped
// file is not counted, for dropping its pages costs nobody anything, and pages of programs are
// shared.
package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Identity names one process among all of all machines, for as long as anybody remembers it.
type Identity struct {
	Host string
	PID  int
	// Start is when the process began, in clock ticks since the boot; Boot names the boot, and Space
	// the namespace that its number belongs to. They are empty where the system does not tell.
	Start, Boot, Space string
}

// Self returns the identity of this process.
var Self = sync.OnceValue(func() Identity {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	id := Identity{Host: host, PID: os.Getpid(), Boot: boot(), Space: space()}
	id.Start, _ = started(id.PID)
	return id
})

// String is the stored form, which [Parse] reads.
func (id Identity) String() string {
	return strings.Join([]string{id.Host, strconv.Itoa(id.PID), id.Start, id.Boot, id.Space}, "/")
}

// Describe returns it for people: "process 4242 on laptop".
func (id Identity) Describe() string { return fmt.Sprintf("process %d on %s", id.PID, id.Host) }

// Parse reads the stored form; ok is false for any other text.
func Parse(text string) (id Identity, ok bool) {
	part := strings.Split(text, "/")
	if len(part) != 5 {
		return Identity{}, false
	}
	pid, err := strconv.Atoi(part[1])
	if err != nil || pid <= 0 || part[0] == "" {
		return Identity{}, false
	}
	return Identity{Host: part[0], PID: pid, Start: part[2], Boot: part[3], Space: part[4]}, true
}

// Describe names for people the process of a stored identity; any other text is returned as it is.
func Describe(text string) string {
	if id, ok := Parse(text); ok {
		return id.Describe()
	}
	return text
}

// Gone reports whether it is certain that the process which a stored identity names has ended.
// False means nothing: it may be another machine's.
func Gone(text string) bool {
	id, ok := Parse(text)
	self := Self()
	if !ok || id == self || id.Host != self.Host || id.Space != self.Space || id.Boot != self.Boot || id.Boot == "" {
		return false
	}
	if err := syscall.Kill(id.PID, 0); errors.Is(err, syscall.ESRCH) {
		return true
	}
	now, zombie := started(id.PID)
	return zombie || now != "" && id.Start != "" && now != id.Start
}
