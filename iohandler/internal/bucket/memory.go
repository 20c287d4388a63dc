package bucket

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// memory keeps objects in this process, until Close.
type memory struct {
	mu      sync.RWMutex
	objects map[string]stored
}

// stored is the content of an object, which never changes.
type stored struct {
	data []byte
	at   time.Time
}

// Create begins an object.
func (m *memory) Create(ctx context.Context, key, _ string) (Pending, error) {
	return &memoryObject{ctx: ctx, in: m, key: key}, nil
}

// memoryObject is an object that is being written.
type memoryObject struct {
	bytes.Buffer
	ctx context.Context
	in  *memory
	key string
}

// Write takes p unless the context has ended, so that a long write stops.
func (o *memoryObject) Write(p []byte) (int, error) {
	if err := context.Cause(o.ctx); err != nil {
		return 0, err
	}
	return o.Buffer.Write(p)
}

// Commit puts the object in its place.
func (o *memoryObject) Commit() error {
	o.in.mu.Lock()
	defer o.in.mu.Unlock()
	o.in.objects[o.key] = stored{o.Bytes(), time.Now()}
	return nil
}

// Abort drops the object.
func (o *memoryObject) Abort() {}

// Open opens what is stored.
func (m *memory) Open(_ context.Context, key string) (*Object, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	object, ok := m.objects[key]
	if !ok {
		return nil, ErrAbsent
	}
	return NewObject(bytes.NewReader(object.data), int64(len(object.data)), nil), nil
}

// Delete forgets an object.
func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[key]; !ok {
		return ErrAbsent
	}
	delete(m.objects, key)
	return nil
}

// List lists the objects as they are now: f may change them.
func (m *memory) List(_ context.Context, prefix string, f func(Entry) error) error {
	m.mu.RLock()
	var found []Entry
	for _, key := range slices.Sorted(maps.Keys(m.objects)) {
		if object := m.objects[key]; strings.HasPrefix(key, prefix) {
			found = append(found, Entry{Key: key, Size: int64(len(object.data)), ModTime: object.at})
		}
	}
	m.mu.RUnlock()
	for _, e := range found {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// Writes lists the writes, which lie among the other objects.
func (m *memory) Writes(ctx context.Context, prefix string, f func(Entry) error) error {
	return m.List(ctx, prefix, f)
}

// Close does nothing: the objects end with the store.
func (m *memory) Close() error { return nil }
