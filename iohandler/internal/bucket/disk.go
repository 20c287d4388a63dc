package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// local checks a file URL: file:///absolute or file://./relative.
func (l location) local() (location, error) {
	u := l.url
	relative := u.Host == "." || u.Host == ".."
	switch {
	case u.Opaque != "":
		return l, fmt.Errorf("bucket URL %q: want file://./%s or file:///absolute", "file:"+u.Opaque, strings.TrimLeft(u.Opaque, "./"))
	case u.Host != "" && u.Host != "localhost" && !relative:
		return l, fmt.Errorf("bucket URL %q names the host %q: want file://./%s%s or file:///absolute", l.base(), u.Host, u.Host, u.Path)
	case !relative && (u.Path == "" || u.Path == "/"):
		return l, fmt.Errorf("bucket URL %q names no directory: want file:///absolute or file://./relative", "file://"+u.Host+u.Path)
	}
	for parameter, values := range u.Query() {
		if parameter != "sync" {
			return l, fmt.Errorf("bucket URL %s: unknown parameter %q: only sync=full is known", l.base(), parameter)
		}
		if len(values) != 1 || (values[0] != "full" && values[0] != "normal") {
			return l, fmt.Errorf("bucket URL %s: sync is %q: want full or normal", l.base(), strings.Join(values, ","))
		}
		l.sync = values[0] == "full"
	}
	return l, nil
}

// directory is the path of a file URL.
func (l location) directory() string {
	if l.url.Host == "." || l.url.Host == ".." {
		return filepath.FromSlash(l.url.Host + l.url.Path)
	}
	return filepath.FromSlash(l.url.Path)
}

// base is the bucket's URL without credentials, parameters and a slash at its end.
func (l location) base() string {
	if l.url.Scheme != "file" {
		return l.url.Scheme + "://" + l.url.Host + strings.TrimRight(l.url.Path, "/")
	}
	dir := l.directory()
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return "file://" + filepath.ToSlash(dir)
}

// disk keeps objects as files below a directory that is made by the first write.
type disk struct {
	dir string
	// sync waits for the disk at each commit, so that an object outlives a loss of power too.
	sync bool

	leftover sweeper
}

func newDisk(dir string, sync bool) (Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory %s: %w", dir, err)
	}
	return &disk{dir: abs, sync: sync}, nil
}

// path is the file of a key.
func (d *disk) path(key string) string {
	if _, write := cutWrite(key); write != "" {
		return filepath.Join(d.dir, writesDir, filepath.FromSlash(key))
	}
	return filepath.Join(d.dir, filepath.FromSlash(key))
}

// Create begins a temporary file beside the object.
func (d *disk) Create(ctx context.Context, key, _ string) (Pending, error) {
	path, link := d.path(key), ""
	if plain, write := cutWrite(key); write != "" {
		link = d.path(plain)
	}
	dir, base := filepath.Split(path)
	file, err := createTemporary(dir, base)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
		file, err = createTemporary(dir, base)
	}
	if err != nil {
		return nil, err
	}
	d.leftover.sweep(dir)
	_ = lock(file) // where there are no locks, nobody sweeps either
	return &diskObject{ctx: ctx, File: file, path: path, link: link, kept: d.kept(link), sync: d.sync}, nil
}

// createTemporary leaves to the umask who may read the file, unlike os.CreateTemp.
func createTemporary(dir, base string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, temporary(base)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// diskObject is a temporary file in the directory of its object; renaming it is the commit.
type diskObject struct {
	*os.File
	ctx  context.Context
	path string
	// link is the name for people, empty for none; kept is where a file goes that lies there.
	link, kept string
	sync       bool
}

// Write writes unless the context has ended, so that a long write stops.
func (o *diskObject) Write(p []byte) (int, error) {
	if err := context.Cause(o.ctx); err != nil {
		return 0, err
	}
	return o.File.Write(p)
}

// Commit renames the file to its object and publishes it.
func (o *diskObject) Commit() (err error) {
	defer func() {
		if err != nil {
			o.Abort()
		}
	}()
	if o.sync {
		if err := o.Sync(); err != nil {
			return err
		}
	}
	if err := o.File.Close(); err != nil {
		return err
	}
	if err := os.Rename(o.Name(), o.path); err != nil {
		return err
	}
	if o.sync {
		err = syncDirectory(filepath.Dir(o.path))
	}
	if o.link != "" {
		err = errors.Join(err, publish(o.path, o.link, o.kept))
	}
	return err
}

// Abort removes the file.
func (o *diskObject) Abort() {
	_ = o.File.Close()
	_ = os.Remove(o.Name())
}

func syncDirectory(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// Open opens the file of an object.
func (d *disk) Open(_ context.Context, key string) (*Object, error) {
	file, err := os.Open(d.present(key))
	if err != nil {
		return nil, absent(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("found %s, want a file", kindOf(info.Mode()))
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Object{ReaderAt: file, size: info.Size(), close: file.Close}, nil
}

func kindOf(m fs.FileMode) string {
	if m.IsDir() {
		return "a directory"
	}
	return "something of mode " + m.Type().String()
}

// Delete removes an object, and its link.
func (d *disk) Delete(_ context.Context, key string) error {
	path := d.present(key)
	if plain, write := cutWrite(key); write != "" {
		unpublish(path, d.path(plain))
	}
	return absent(os.Remove(path))
}

// Close does nothing.
func (d *disk) Close() error { return nil }

func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrAbsent
	}
	return err
}
