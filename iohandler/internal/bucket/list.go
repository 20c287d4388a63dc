package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// Entry is an object that is there.
type Entry struct {
	Key     string
	Size    int64
	ModTime time.Time
}

// List calls f with each object whose key begins with prefix, in no order. An error of f ends it.
func (b *Bucket) List(ctx context.Context, prefix string, f func(Entry) error) error {
	at, err := b.store(ctx)
	if err != nil {
		return err
	}
	if err := at.List(ctx, prefix, f); err != nil {
		return fmt.Errorf("list %s: %w", b.URL(prefix), err)
	}
	return nil
}

// List leaves out the tree of writes.
func (d *disk) List(ctx context.Context, prefix string, f func(Entry) error) error {
	return d.walk(ctx, prefix, func(e Entry) error {
		if strings.HasPrefix(e.Key, writesDir+"/") {
			return nil
		}
		return f(e)
	})
}

// walk calls f with each file whose path from the directory begins with prefix.
func (d *disk) walk(ctx context.Context, prefix string, f func(Entry) error) error {
	root := filepath.Join(d.dir, filepath.FromSlash(prefix[:strings.LastIndexByte(prefix, '/')+1]))
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // nothing was ever written, or it went meanwhile
			return nil
		case err != nil:
			return err
		case context.Cause(ctx) != nil:
			return context.Cause(ctx)
		}
		rest, err := filepath.Rel(d.dir, path)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rest)
		if key == writesDir && entry.IsDir() && !strings.HasPrefix(prefix, writesDir) {
			return fs.SkipDir
		}
		switch {
		case entry.IsDir() && !strings.HasPrefix(key+"/", prefix) && !strings.HasPrefix(prefix, key+"/") && path != root:
			return fs.SkipDir
		case entry.IsDir() || !strings.HasPrefix(key, prefix) || temporaryName.MatchString(entry.Name()):
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return f(Entry{Key: key, Size: info.Size(), ModTime: info.ModTime()})
	})
}
