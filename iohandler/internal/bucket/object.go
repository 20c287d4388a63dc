package bucket

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Object is what one write left, open for reading at offsets from many goroutines.
type Object struct {
	io.ReaderAt
	size  int64
	close func() error
}

// Size returns the number of bytes.
func (o *Object) Size() int64 { return o.size }

// Reader returns a reader of all bytes from the first, with an offset of its own.
func (o *Object) Reader() *io.SectionReader { return io.NewSectionReader(o, 0, o.size) }

// Close lets go of the object. One that is dropped without a Close frees what it holds when it is
// collected.
func (o *Object) Close() error { return o.close() }

// counter counts what passes through it.
type counter struct {
	to io.Writer
	n  int64
}

// Write passes p on.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// cloud is a store behind a gocloud driver. Each of them makes an object visible as a whole at
// Close.
type cloud struct{ bucket *blob.Bucket }

func (c cloud) create(ctx context.Context, key, contentType string) (pending, error) {
	ctx, cancel := context.WithCancel(ctx)
	// Without a content type the driver would sniff one from what comes first.
	writer, err := c.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: contentType})
	if err != nil {
		cancel()
		return nil, err
	}
	return &cloudObject{Writer: writer, cancel: cancel}, nil
}

// cloudObject is an upload under way.
type cloudObject struct {
	*blob.Writer
	cancel context.CancelFunc
}

func (o *cloudObject) commit() error {
	defer o.cancel()
	return o.Close()
}

func (o *cloudObject) abort() {
	o.cancel() // before Close: that is how a driver is told to drop the upload
	_ = o.Close()
}

func (c cloud) open(ctx context.Context, key string) (*Object, error) {
	reader, err := c.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, notFound(err)
	}
	object, err := spool(reader, reader.Size())
	if closeErr := reader.Close(); err == nil {
		err = notFound(closeErr)
	}
	return object, err
}

func (c cloud) delete(ctx context.Context, key string) error {
	return notFound(c.bucket.Delete(ctx, key))
}

func (c cloud) close() error { return c.bucket.Close() }

func notFound(err error) error {
	if err != nil && gcerrors.Code(err) == gcerrors.NotFound {
		return errAbsent
	}
	return err
}

// spoolMemory is the most that a fetched object takes of memory; a larger one goes to a file.
const spoolMemory = 32 << 20

// spool fetches an object of the given size as a whole, since a later request could be answered
// with the bytes of a later write.
func spool(from io.Reader, size int64) (*Object, error) {
	if size <= spoolMemory {
		data, err := io.ReadAll(from)
		if err == nil && int64(len(data)) != size {
			err = fmt.Errorf("got %d bytes, want %d: %w", len(data), size, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return nil, err
		}
		return &Object{ReaderAt: bytes.NewReader(data), size: size, close: func() error { return nil }}, nil
	}
	file, err := os.CreateTemp("", "rivers-fetch-*")
	if err != nil {
		return nil, err
	}
	// Without a name the file goes with its last user, also when the process is killed.
	err = os.Remove(file.Name())
	var n int64
	if err == nil {
		n, err = io.Copy(file, from)
	}
	if err == nil && n != size {
		err = fmt.Errorf("got %d bytes, want %d: %w", n, size, io.ErrUnexpectedEOF)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Object{ReaderAt: file, size: size, close: file.Close}, nil
}
