package bucket

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// writesDir is the tree of the objects that have a write. Tools that read a folder skip it: it
// begins with a dot.
const writesDir = ".writes"

// kept is where a file is kept that lies at a link without a write.
func (d *disk) kept(link string) string {
	if link == "" {
		return ""
	}
	rest, err := filepath.Rel(d.dir, link)
	if err != nil {
		return ""
	}
	ext := filepath.Ext(rest)
	return filepath.Join(d.dir, writesDir, strings.TrimSuffix(rest, ext)+"~"+ext)
}

// present is the file of a key: that of its write. Without one it is what lies at the plain name,
// or what lay there before that became a link to a write.
func (d *disk) present(key string) string {
	path := d.path(key)
	if _, write := cutWrite(key); write != "" {
		return path
	}
	if info, err := os.Lstat(path); err == nil && !linked(info) {
		return path
	}
	if old := d.kept(path); exists(old) {
		return old
	}
	return path
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// linked reports whether a file has other names, or is one.
func linked(info fs.FileInfo) bool {
	if info.Mode()&fs.ModeSymlink != 0 {
		return true
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}

// publish makes link a name of the file at path, in one step. A file of another origin that lies
// there is kept first.
func publish(path, link, kept string) error {
	err := os.Link(path, link) // the first write of a value finds nothing there
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(link), 0o777); err != nil {
			return err
		}
		err = os.Link(path, link)
	}
	if err == nil {
		return nil
	}
	switch info, err := os.Lstat(link); {
	case err == nil && info.Mode().IsRegular() && !linked(info):
		if err := keep(link, kept, info); err != nil {
			return fmt.Errorf("keep what lies at %s: %w", link, err)
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	next := filepath.Join(filepath.Dir(link), temporary(filepath.Base(link)))
	err = os.Link(path, next)
	if err != nil { // a file system without hard links
		var to string
		if to, err = filepath.Rel(filepath.Dir(link), path); err == nil {
			err = os.Symlink(to, next)
		}
	}
	if err != nil {
		return err
	}
	if err := os.Rename(next, link); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return removeSelf(next)
}

// keep makes kept another name of the file of info, which lies at link. If something else lies
// there by now, another write has kept it.
func keep(link, kept string, info fs.FileInfo) error {
	next := filepath.Join(filepath.Dir(kept), temporary(filepath.Base(kept)))
	if err := os.Link(link, next); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if now, err := os.Lstat(next); err != nil || !os.SameFile(now, info) {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, kept); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return removeSelf(next)
}

// removeSelf removes a name that a rename left: two names of one file are renamed to nothing.
func removeSelf(next string) error {
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unpublish removes a link to the file at path. One to another write stays.
func unpublish(path, link string) {
	of, err := os.Stat(path)
	if err != nil {
		return
	}
	if at, err := os.Stat(link); err == nil && os.SameFile(of, at) {
		_ = os.Remove(link) // it is for people
	}
}
