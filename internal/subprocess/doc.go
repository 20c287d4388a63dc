// Package subprocess does the steps of a run in processes of their own: a fresh one for each
// attempt, of the same program, so that what leaks, crashes, or is killed for its memory takes
// nothing with it.
//
//	run's process                                      step's process, leader of its group
//	─────────────                                      ───────────────────────────────────
//	Launcher.Do ── starts the program anew ──────────▶ main … ServeStep ─▶ Serve
//	               (fd 3, RIVERS_STEP=fd:3)                                │ which build am I
//	child ◀────────────────────────────────────────────────────────────────┘
//	  │ the order ───────────────────────────────────▶ engine.Serve: load, call, write
//	  │ ◀───────────── lines of the log, emits, reads of storage, the report
//	  │ stop, because … ─────────────────────────────▶ the context ends
//	  │ ◀═════════════ stdout, stderr: lines of the log
//	  └ waits for the leader, then kills the group
//
// The two talk over a pair of sockets that the child inherits: there is no path and no port that
// anybody else could find. A message is its kind, its length and its bytes; none is too long. The
// first line of the child defines which build of the program it is, in a form that every build has,
// and nothing else is reported before the parent has found it to be its own: two builds are never
// in the position to misunderstand each other. Of a message that is cut, since its writer was
// killed, nothing is kept.
//
// The receiver never sends, on either side. So both directions are always emptied, and the two
// cannot wait for each other; a child that stops reading (it was stopped, or swaps) holds up the
// goroutines that answer it and nothing else. What it logs faster than it is stored waits in the
// socket, and so does it.
//
// A child opens no store and knows no secret of its parent's: it asks for what it reads, and
// decodes configs from its own environment. Hooks, listeners and records are the parent's. Whether
// a failed attempt is tried again is decided in the child, which has the error; when there is no
// report, in the parent, by how the process ended. Each such way is an error of this package with a
// reason that retry policies see.
//
// A child ends in one of these ways, and the first that is true is told:
//
//	it reported                 the report, whatever its process did afterwards (the log has it)
//	its memory was too much     [MemoryError]
//	it was told to stop         why; after the grace period SIGKILL, and [NotStoppedError]
//	it did not ask for a step   [NoHandshakeError]: its main lacks the call of ServeStep
//	it was of another build     [BuildMismatchError]
//	the connection broke        [LostError]
//	a signal that nobody sent   [SignalError]
//	the Go runtime ended it     [CrashError]: a panic in a goroutine of the body's, a fatal error
//	it exited                   [ExitError]
//
// Nothing of a group outlives its leader: the parent kills it before it waits for the leader, while
// the number cannot be another's. And nothing outlives the parent: a child whose connection ends
// kills its own group, and Linux tells it with a SIGTERM before it has come so far as to look. What
// a step starts in a session of its own escapes the first, unless a cgroup holds it too.
//
// Memory is bounded by a cgroup (version 2) where this process may make one, which is where a
// service manager delegated its group, or nobody manages groups; else the memory of the group is
// looked at twenty times a second. In both cases the collector of the child is told of nine tenths
// of the limit (GOMEMLIMIT), so that it tries first.
//
// [Launcher.Do] may be called from many goroutines. Each child has a few of its own while it lives,
// one of them bound to its thread.
package subprocess
