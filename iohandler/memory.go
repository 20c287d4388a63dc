package iohandler

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/rivers-go/rivers/partition"
)

// Memory returns a handler that keeps values in this process: the last one of each name and
// partition, until Close. Every reader gets the very value that was written, so a function must not
// change its inputs.
func Memory() *MemoryHandler { return &MemoryHandler{} }

// MemoryHandler keeps values in this process; see [Memory]. The zero value is ready for use.
type MemoryHandler struct {
	mu     sync.RWMutex // a map's entry needs no memory of its own, one of sync.Map three pieces
	values map[slot]any
}

// slot is where a value is kept: two texts, so that no key needs to be escaped.
type slot struct{ name, partition string }

// HandleOutput keeps value under its name.
func (m *MemoryHandler) HandleOutput(_ context.Context, out *OutputContext, value any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[slot]any{}
	}
	m.values[slot{out.Name, out.Partition.Key().String()}] = value
	return nil
}

// LoadInput returns the kept value. A value that another process kept is an error.
func (m *MemoryHandler) LoadInput(_ context.Context, in *InputContext) (any, error) {
	m.mu.RLock()
	value, ok := m.values[slot{in.Name, in.Partition.Key().String()}]
	m.mu.RUnlock()
	if !ok {
		return nil, fmt.Errorf("input %s: %w in this process's memory: materialize it in the same run, or give it an io handler that outlives the process, such as blob.New", in, ErrNoValue)
	}
	if in.Type != nil && value != nil && !reflect.TypeOf(value).AssignableTo(in.Type) {
		return nil, fmt.Errorf("input %s: the kept value is a %T, want %s", in, value, in.Type)
	}
	return value, nil
}

// Release forgets the value of a name and partition.
func (m *MemoryHandler) Release(name string, key partition.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, slot{name, key.String()})
}

// Delete forgets the value of in.Name and in.Partition.
func (m *MemoryHandler) Delete(_ context.Context, in *InputContext) error {
	m.Release(in.Name, in.Partition.Key())
	return nil
}

// Held calls f with the name and the partition of each value.
func (m *MemoryHandler) Held(f func(name, partition string)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for at := range m.values {
		f(at.name, at.partition)
	}
}

// CrossesProcesses reports false: the values die with the process.
func (m *MemoryHandler) CrossesProcesses() bool { return false }

// Close forgets everything.
func (m *MemoryHandler) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values = nil
	return nil
}
