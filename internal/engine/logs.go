package engine

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// logHandler is the slog handler of a step: its lines are kept by run, step and attempt.
type logHandler struct {
	sink          attemptSink
	step, attempt int32
	key           string
	groups        []string
	attrs         []slog.Attr // with the groups they were added under
}

// Enabled reports true: everything a step logs is kept.
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps one record.
func (h *logHandler) Handle(_ context.Context, rec slog.Record) error {
	attrs := h.attrs
	rec.Attrs(func(a slog.Attr) bool {
		attrs = append(slices.Clip(attrs), nest(h.groups, a))
		return true
	})
	line := storage.LogLine{Level: rec.Level, Message: rec.Message, At: rec.Time}
	if len(attrs) > 0 {
		text, err := json.Marshal(attrsOf(attrs))
		if err != nil {
			text = []byte(`{"!attrs":` + strconv.Quote(err.Error()) + `}`)
		}
		line.Attrs = string(text)
	}
	h.sink.logLine(h.step, h.attempt, h.key, line)
	return nil
}

// WithAttrs returns a handler that adds attrs to each record.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = slices.Clip(c.attrs)
	for _, a := range attrs {
		c.attrs = append(c.attrs, nest(h.groups, a))
	}
	return &c
}

// WithGroup returns a handler that puts later attributes under name.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.groups = append(slices.Clip(c.groups), name)
	return &c
}

func nest(groups []string, a slog.Attr) slog.Attr {
	for _, group := range slices.Backward(groups) {
		a = slog.Attr{Key: group, Value: slog.GroupValue(a)}
	}
	return a
}

// attrsOf turns attributes into what JSON can show; groups of one name are merged.
func attrsOf(attrs []slog.Attr) map[string]any {
	m := map[string]any{}
	for _, a := range attrs {
		v := a.Value.Resolve()
		if v.Kind() != slog.KindGroup {
			m[a.Key] = plain(v)
			continue
		}
		inner := attrsOf(v.Group())
		into, _ := m[a.Key].(map[string]any)
		if a.Key == "" {
			into = m
		}
		if into == nil {
			m[a.Key] = inner
			continue
		}
		maps.Copy(into, inner)
	}
	return m
}

func plain(v slog.Value) any {
	switch x := v.Any().(type) {
	case error:
		return x.Error()
	case time.Duration:
		return x.String()
	default:
		return x
	}
}

// logLine keeps one line of a step.
func (r *run) logLine(step, attempt int32, key string, line storage.LogLine) {
	line.Run, line.Step, line.Attempt = r.key, step, attempt
	if line.At.IsZero() {
		line.At = time.Now()
	}
	line.At = line.At.UTC()
	r.logs.add(line)
	r.noticeLine(key, line)
}

// write keeps one line of a process's output.
func (a *attempt) write(stream storage.LogStream, text string) {
	a.sink.logLine(a.job.step, a.job.attempt, a.key, storage.LogLine{Stream: stream, Message: text})
}
