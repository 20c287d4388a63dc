// Package gocloud links gocloud.dev/blob, so that the handlers of iohandler/blob and
// iohandler/parquet take the URLs of the drivers that a program imports:
//
//	import (
//		_ "github.com/rivers-go/rivers/iohandler/blob/gocloud"
//		_ "example.org/a/driver" // registers with gocloud.dev/blob
//	)
//
// iohandler/blob/s3, /gcs and /azure import it with the driver that they are named after. It is a
// package of its own because gocloud.dev/blob brings gRPC and the metrics of OpenTelemetry, which a
// program that keeps its values on a disk must not link.
package gocloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/rivers-go/rivers/iohandler/internal/bucket"
)

//nolint:gochecknoinits // the drivers register in the same way, and the import must suffice
func init() { bucket.Link(drivers{}) }

// drivers are those that are registered with gocloud.dev/blob.
type drivers struct{}

// Schemes returns the schemes of the registered drivers.
func (drivers) Schemes() []string { return blob.DefaultURLMux().BucketSchemes() }

// Open opens a bucket by its driver.
func (drivers) Open(ctx context.Context, rawURL string) (bucket.Store, error) {
	opened, err := blob.OpenBucket(ctx, rawURL)
	if err != nil {
		return nil, err
	}
	return store{opened}, nil
}

// store is a bucket behind a driver. Each driver makes an object visible as a whole at Close.
type store struct{ bucket *blob.Bucket }

// Create begins an upload.
func (s store) Create(ctx context.Context, key, contentType string) (bucket.Pending, error) {
	ctx, cancel := context.WithCancel(ctx)
	// Without a content type the driver would sniff one from what comes first.
	writer, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: contentType})
	if err != nil {
		cancel()
		return nil, err
	}
	return &upload{Writer: writer, cancel: cancel}, nil
}

// upload is an object that is being written.
type upload struct {
	*blob.Writer
	cancel context.CancelFunc
}

// Commit ends the upload.
func (u *upload) Commit() error {
	defer u.cancel()
	return u.Close()
}

// Abort drops the upload.
func (u *upload) Abort() {
	u.cancel() // before Close: that is how a driver is told to drop the upload
	_ = u.Close()
}

// Open fetches an object.
func (s store) Open(ctx context.Context, key string) (*bucket.Object, error) {
	reader, err := s.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, notFound(err)
	}
	object, err := spool(reader, reader.Size())
	if closeErr := reader.Close(); err == nil {
		err = notFound(closeErr)
	}
	return object, err
}

// Delete deletes an object.
func (s store) Delete(ctx context.Context, key string) error {
	return notFound(s.bucket.Delete(ctx, key))
}

// List lists objects.
func (s store) List(ctx context.Context, prefix string, f func(bucket.Entry) error) error {
	objects := s.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := objects.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(bucket.Entry{Key: object.Key, Size: object.Size, ModTime: object.ModTime}); err != nil {
			return err
		}
	}
}

// Writes lists the writes, which lie among the other objects.
func (s store) Writes(ctx context.Context, prefix string, f func(bucket.Entry) error) error {
	return s.List(ctx, prefix, f)
}

// Close closes the connection.
func (s store) Close() error { return s.bucket.Close() }

func notFound(err error) error {
	if err != nil && gcerrors.Code(err) == gcerrors.NotFound {
		return bucket.ErrAbsent
	}
	return err
}

// spoolMemory is the most that a fetched object takes of memory; a larger one goes to a file.
const spoolMemory = 32 << 20

// spool fetches an object of the given size as a whole, since a later request could be answered
// with the bytes of a later write.
func spool(from io.Reader, size int64) (*bucket.Object, error) {
	if size <= spoolMemory {
		data, err := io.ReadAll(from)
		if err == nil && int64(len(data)) != size {
			err = fmt.Errorf("got %d bytes, want %d: %w", len(data), size, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return nil, err
		}
		return bucket.NewObject(bytes.NewReader(data), size, nil), nil
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
	return bucket.NewObject(file, size, file.Close), nil
}
