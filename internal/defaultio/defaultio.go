// Package defaultio is the IO handler of outputs that name none. It keeps values where the store of
// the repository keeps its records:
//
//	store that outlives the process ──▶ CBOR files in its folder of values, see iohandler/blob
//	store in memory                 ──▶ memory, or a temporary folder if steps have processes
//
// So a value lasts as long as its record, and the second command finds what the first has made. The
// folder belongs to one store alone, so that what no record means can be deleted.
//
// Definitions are checked before a store is known. Until [Handler.Open] a handler answers as
// one of files does, and keeps what it is given in memory.
package defaultio

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/partition"
)

// Handler is the IO handler of outputs that name none. The zero value keeps values in memory, and
// is ready for use. Its methods may be called from many goroutines at once.
type Handler struct {
	memory iohandler.MemoryHandler
	opened atomic.Pointer[place]
}

// place is where values lie.
type place struct {
	files     *blob.Handler // nil for memory
	dir       string
	temporary bool
}

var (
	_ iohandler.Handler        = (*Handler)(nil)
	_ iohandler.Acceptor       = (*Handler)(nil)
	_ iohandler.Collector      = (*Handler)(nil)
	_ iohandler.Deleter        = (*Handler)(nil)
	_ iohandler.ProcessCrosser = (*Handler)(nil)
	_ iohandler.Releaser       = (*Handler)(nil)
	_ iohandler.WriteKeeper    = (*Handler)(nil)
)

// codec writes the files.
var codec = blob.CBOR()

// Open keeps values in files below dir, which the first write makes. An empty dir is memory, or for
// steps in processes of their own a temporary folder, which Close deletes.
func (h *Handler) Open(dir string, processes bool) error {
	switch {
	case dir != "":
		return h.open(dir, false)
	case !processes:
		h.opened.Store(&place{})
		return nil
	}
	dir, err := os.MkdirTemp("", "rivers-values-")
	if err != nil {
		return fmt.Errorf("making a folder for values: %w", err)
	}
	return h.open(dir, true)
}

func (h *Handler) open(dir string, temporary bool) error {
	dir, err := filepath.Abs(dir) // the process may change its directory
	if err != nil {
		return fmt.Errorf("the folder of values %q: %w", dir, err)
	}
	// A path may hold what has a meaning in a URL.
	url := "file://" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(dir))
	files := blob.New(url, blob.Options{Codec: codec})
	if err := files.Validate(); err != nil {
		return fmt.Errorf("the folder of values %q: %w", dir, err)
	}
	h.opened.Store(&place{files, dir, temporary})
	return nil
}

// Dir returns the folder of the files, empty where values lie in memory.
func (h *Handler) Dir() string {
	if p := h.opened.Load(); p != nil {
		return p.dir
	}
	return ""
}

// files returns the handler of the files, nil where values lie in memory.
func (h *Handler) files() *blob.Handler {
	if p := h.opened.Load(); p != nil {
		return p.files
	}
	return nil
}

// CanStore returns why no file can hold a value of type t, or nil. The bytes of an interface do not
// say which type to make again.
func (h *Handler) CanStore(t reflect.Type) error {
	if t.Kind() == reflect.Interface {
		return fmt.Errorf("%s is an interface, and a file does not say which type its value had", t)
	}
	return codec.CanStore(t)
}

// HandleOutput stores value.
func (h *Handler) HandleOutput(ctx context.Context, out *iohandler.OutputContext, value any) error {
	if f := h.files(); f != nil {
		return f.HandleOutput(ctx, out, value)
	}
	return h.memory.HandleOutput(ctx, out, value)
}

// LoadInput returns the stored value.
func (h *Handler) LoadInput(ctx context.Context, in *iohandler.InputContext) (any, error) {
	if f := h.files(); f != nil {
		return f.LoadInput(ctx, in)
	}
	return h.memory.LoadInput(ctx, in)
}

// CrossesProcesses reports whether another process can load the values.
func (h *Handler) CrossesProcesses() bool {
	p := h.opened.Load()
	return p == nil || p.files != nil
}

// KeepsWrites reports whether each write is kept apart.
func (h *Handler) KeepsWrites() bool { return h.files() != nil }

// Release forgets a value in memory. A file stays until it is collected: a resumed run reads it.
func (h *Handler) Release(name string, key partition.Key) {
	if h.files() == nil {
		h.memory.Release(name, key)
	}
}

// Delete deletes a stored value.
func (h *Handler) Delete(ctx context.Context, in *iohandler.InputContext) error {
	if f := h.files(); f != nil {
		return f.Delete(ctx, in)
	}
	return h.memory.Delete(ctx, in)
}

// StoredWrites calls f with each stored write of a name and of what lies below it; memory has none.
func (h *Handler) StoredWrites(ctx context.Context, name string, f func(iohandler.StoredWrite) error) error {
	if files := h.files(); files != nil {
		return files.StoredWrites(ctx, name, f)
	}
	return nil
}

// RemoveWrite deletes a stored write.
func (h *Handler) RemoveWrite(ctx context.Context, w iohandler.StoredWrite) error {
	if files := h.files(); files != nil {
		return files.RemoveWrite(ctx, w)
	}
	return nil
}

// Close forgets what lies in memory or in a temporary folder.
func (h *Handler) Close() error {
	err := h.memory.Close()
	if p := h.opened.Load(); p != nil && p.temporary {
		if removeErr := os.RemoveAll(p.dir); removeErr != nil {
			return removeErr
		}
	}
	return err
}
