package storage

import (
	"log/slog"
	"time"
)

// LogStream is the source of a line of a step's log. The zero value is [StreamLog].
type LogStream uint8

// The streams of a step.
const (
	// StreamLog is the step's logger.
	StreamLog LogStream = iota
	// StreamStdout and StreamStderr are the output of a bash step, or of a step's own process.
	StreamStdout
	StreamStderr
)

var logStreamWords = [...]string{"log", "stdout", "stderr"}

// String returns the word of the stream: "log", "stdout" or "stderr".
func (s LogStream) String() string {
	if int(s) < len(logStreamWords) {
		return logStreamWords[s]
	}
	return "unknown"
}

// MarshalText writes the word of the stream.
func (s LogStream) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogLine is one line that a step wrote, by run, step and attempt. (Run, N) is its key.
type LogLine struct {
	Run     RunKey     `json:"-"`
	N       int64      `json:"n"`
	Step    int32      `json:"-"`
	Attempt int32      `json:"attempt,omitempty"`
	At      time.Time  `json:"at"`
	Level   slog.Level `json:"level"`
	Stream  LogStream  `json:"stream"`
	Message string     `json:"message"`
	// Attrs are the line's attributes as a JSON object, empty for none.
	Attrs string `json:"attrs,omitempty"`
}

// LogQuery selects the log lines of a run in their order.
type LogQuery struct {
	Run RunKey
	// Step keeps one step's lines; nil keeps all.
	Step *int32
	// After keeps lines with a larger N. Limit bounds the answer; zero means all.
	After int64
	Limit int
}
