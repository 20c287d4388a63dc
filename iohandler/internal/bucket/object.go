package bucket

import "io"

// Object is what one write left, open for reading at offsets from many goroutines.
type Object struct {
	io.ReaderAt
	size  int64
	close func() error
}

// NewObject returns an object of size bytes that are read from at. release is called by
// Close and may be nil.
func NewObject(at io.ReaderAt, size int64, release func() error) *Object {
	return &Object{ReaderAt: at, size: size, close: release}
}

// Size returns the number of bytes.
func (o *Object) Size() int64 { return o.size }

// Reader returns a reader of all bytes from the first, with an offset of its own.
func (o *Object) Reader() *io.SectionReader { return io.NewSectionReader(o, 0, o.size) }

// Close lets go of the object. One that is dropped without a Close frees what it holds when it is
// collected.
func (o *Object) Close() error {
	if o.close == nil {
		return nil
	}
	return o.close()
}

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
