// Package bucket is where handlers keep bytes: a place named by a URL, in which objects have names
// and are replaced as a whole. It exists so that the handlers of values (iohandler/blob,
// iohandler/parquet) share one answer to four questions: which URLs are understood, which object a
// value's name means, when a written object becomes visible, and what a reader holds while it
// reads.
//
//	Write ──bytes──▶ unnamed ──commit──▶ visible under its key, the old object gone
//	                    └── error, cancelled context, crash ──▶ the old object as it was
//
// Invariant: an [Object] that was opened reads the bytes of one write, whatever is written
// meanwhile. A local file gives that by its inode; from any other store the object is fetched in
// one request, kept in memory or, when large, in a temporary file without a name.
//
// Local disks are served by this package itself and not by gocloud's fileblob: that one writes a
// sidecar file beside each object, checks and opens in two steps (so that a size may be another
// write's), and gives no file to read at offsets, which Parquet needs. A map serves mem://. All
// else is gocloud.dev/blob, which a program links with iohandler/blob/gocloud: its clients are
// large, and the files of the default handler need none of them.
//
// A Bucket opens at first use and may be used from many goroutines at once.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rivers-go/rivers/internal/nearest"
	"github.com/rivers-go/rivers/iohandler"
)

// Bucket is a place for objects. Make one with [New].
type Bucket struct {
	where  location
	fault  error
	prefix string

	mu     sync.Mutex
	opened Store
}

// Store is what a kind of place must be able to do. Keys come from [Bucket.Key].
type Store interface {
	// Create begins an object, Open opens one for reading. Open and Delete return [ErrAbsent] where
	// there is none.
	Create(ctx context.Context, key, contentType string) (Pending, error)
	Open(ctx context.Context, key string) (*Object, error)
	Delete(ctx context.Context, key string) error
	// List calls f with each object whose key begins with prefix. Writes does so for the objects that
	// have a write, and may hand over others.
	List(ctx context.Context, prefix string, f func(Entry) error) error
	Writes(ctx context.Context, prefix string, f func(Entry) error) error
	Close() error
}

// Pending is an object that nobody sees yet. Exactly one of Commit and Abort ends it.
type Pending interface {
	io.Writer
	Commit() error
	Abort()
}

// ErrAbsent is the error of a store for a missing object.
var ErrAbsent = errors.New("no such object")

// Linked are the stores that a program links beside those of this package.
type Linked interface {
	// Schemes are those of the URLs that it opens.
	Schemes() []string
	Open(ctx context.Context, rawURL string) (Store, error)
}

var others atomic.Pointer[Linked]

// Link makes the stores of l known; a later call replaces those of an earlier one.
func Link(l Linked) { others.Store(&l) }

// linkedSchemes are the schemes of linked stores.
func linkedSchemes() []string {
	if l := others.Load(); l != nil {
		return (*l).Schemes()
	}
	return nil
}

// location is a bucket's URL, taken apart.
type location struct {
	raw  string
	url  *url.URL
	sync bool
}

// New returns the bucket at rawURL; objects lie below prefix in it. It opens nothing: a URL that
// is not understood is the error of [Bucket.Validate] and of every use.
func New(rawURL, prefix string) *Bucket {
	where, err := locate(rawURL)
	return &Bucket{where: where, fault: err, prefix: cleanPrefix(prefix)}
}

// Validate returns what is wrong with the bucket's URL, without opening it.
func (b *Bucket) Validate() error { return b.fault }

// Outlives reports whether the objects outlive this process, which those of mem:// do not.
func (b *Bucket) Outlives() bool { return b.fault != nil || b.where.url.Scheme != "mem" }

// URL returns the address of an object, without credentials and parameters. On a disk it is that of
// the link that people open, without the write.
func (b *Bucket) URL(key string) string {
	if b.fault != nil {
		return key
	}
	if b.where.url.Scheme == "file" {
		key, _ = cutWrite(key)
	}
	return b.where.base() + "/" + key
}

// Write replaces the object at key by what fill writes and returns the number of bytes. Where fill
// or ctx ends in an error, the object stays as it was.
//
// On a disk the object of a key with a write lies in the tree .writes, and the key without it
// becomes a link to what was written last, for people and other tools: orders.parquet is
// .writes/orders~k3f9a2bcde.parquet. What lay there without a write, from an older version or from
// elsewhere, is kept for the records that mean it.
func (b *Bucket) Write(ctx context.Context, key, contentType string, fill func(io.Writer) error) (int64, error) {
	at, err := b.store(ctx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	object, err := at.Create(ctx, key, contentType)
	if err != nil {
		return 0, fmt.Errorf("create %s: %w", b.URL(key), err)
	}
	open := true
	defer func() {
		if open { // also when fill panics: what it wrote so far must not become visible
			cancel()
			object.Abort()
		}
	}()
	counted := &counter{to: object}
	if err := fill(counted); err != nil {
		return 0, fmt.Errorf("write %s: %w", b.URL(key), err)
	}
	if err := context.Cause(ctx); err != nil {
		return 0, fmt.Errorf("write %s: %w", b.URL(key), err)
	}
	open = false
	if err := object.Commit(); err != nil {
		return 0, fmt.Errorf("write %s: %w", b.URL(key), err)
	}
	return counted.n, nil
}

// Open opens the object at key for reading; an absent one is [iohandler.ErrNoValue]. The caller
// closes it.
func (b *Bucket) Open(ctx context.Context, key string) (*Object, error) {
	at, err := b.store(ctx)
	if err != nil {
		return nil, err
	}
	object, err := at.Open(ctx, key)
	if errors.Is(err, ErrAbsent) {
		return nil, fmt.Errorf("%w at %s", iohandler.ErrNoValue, b.URL(key))
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", b.URL(key), err)
	}
	return object, nil
}

// Delete deletes the object at key; one that is absent is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	at, err := b.store(ctx)
	if err != nil {
		return err
	}
	if err := at.Delete(ctx, key); err != nil && !errors.Is(err, ErrAbsent) {
		return fmt.Errorf("delete %s: %w", b.URL(key), err)
	}
	return nil
}

// Close lets go of the connection; the next use opens another. The objects of mem:// end with it.
func (b *Bucket) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.opened
	b.opened = nil
	if at == nil {
		return nil
	}
	return at.Close()
}

func (b *Bucket) store(ctx context.Context) (Store, error) {
	if b.fault != nil {
		return nil, b.fault
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened == nil {
		at, err := b.where.open(ctx)
		if err != nil {
			return nil, err
		}
		b.opened = at
	}
	return b.opened, nil
}

func (l location) open(ctx context.Context) (Store, error) {
	switch l.url.Scheme {
	case "file":
		return newDisk(l.directory(), l.sync)
	case "mem":
		return &memory{objects: map[string]stored{}}, nil
	}
	// The bucket outlives the call that happens to open it.
	opened, err := (*others.Load()).Open(context.WithoutCancel(ctx), l.raw)
	if err != nil {
		// Drivers print the URL they were given, which may hold a key.
		shown := strings.NewReplacer(l.raw, l.base(), l.url.String(), l.base()).Replace(err.Error())
		return nil, fmt.Errorf("open bucket %s: %s", l.base(), shown)
	}
	return opened, nil
}

// drivers are the schemes whose driver is a package that the program imports, and that package.
var drivers = map[string]string{
	"s3":     "github.com/rivers-go/rivers/iohandler/blob/s3",
	"gs":     "github.com/rivers-go/rivers/iohandler/blob/gcs",
	"azblob": "github.com/rivers-go/rivers/iohandler/blob/azure",
}

// driversPackage links drivers of gocloud.dev/blob.
const driversPackage = "github.com/rivers-go/rivers/iohandler/blob/gocloud"

const wanted = "want file:///absolute, file://./relative, mem://, s3://bucket, gs://bucket or azblob://container"

// locate reads a bucket's URL. Its errors never show a URL that may hold a password.
func locate(raw string) (location, error) {
	if raw == "" {
		return location{}, errors.New("the bucket URL is empty: " + wanted)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return location{}, errors.New("the bucket URL is no URL (it is not shown, for it may hold a password): " + wanted)
	}
	at := location{raw: raw, url: u}
	switch {
	case u.Scheme == "":
		return at, fmt.Errorf("bucket URL %q has no scheme: want file://./%s", u.Path, strings.TrimLeft(u.Path, "/."))
	case strings.Contains(raw, "#"):
		return at, fmt.Errorf("bucket URL %s ends at its #, which begins a fragment: write %%23 for a # in a path", at.base())
	case u.Scheme == "file":
		return at.local()
	case u.Scheme == "mem" || slices.Contains(linkedSchemes(), u.Scheme):
		return at, nil
	case drivers[u.Scheme] != "":
		return at, fmt.Errorf("bucket URL %s: the driver of %q is not linked: import _ %q", at.base(), u.Scheme+"://", drivers[u.Scheme])
	}
	known := append(linkedSchemes(), "file", "mem")
	slices.Sort(known)
	near, _ := nearest.Name(u.Scheme, slices.Values(known))
	if near != "" {
		near = fmt.Sprintf(" (did you mean %q?)", near+"://")
	}
	return at, fmt.Errorf("bucket URL %s: no driver of %q is linked%s (linked: %s): %s, or import %s and the gocloud.dev/blob driver that serves it",
		at.base(), u.Scheme+"://", near, strings.Join(known, ", "), wanted, driversPackage)
}
