package blob_test

import (
	"testing"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/iohandler/iohandlertest"
)

func codecs() map[string]blob.Codec {
	return map[string]blob.Codec{"cbor": blob.CBOR(), "json": blob.JSON(), "gob": blob.Gob(), "raw": blob.Raw()}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, codec := range codecs() {
		for store, url := range map[string]func(*testing.T) string{
			"file": func(t *testing.T) string { return "file://" + t.TempDir() },
			"mem":  func(*testing.T) string { return "mem://" },
		} {
			t.Run(name+" "+store, func(t *testing.T) {
				t.Parallel()
				iohandlertest.Run(t, func(t *testing.T) iohandler.Handler {
					h := blob.New(url(t), blob.Options{Prefix: "a/b.c", Codec: codec})
					t.Cleanup(func() {
						if err := h.Close(); err != nil {
							t.Error(err)
						}
					})
					return h
				}, iohandlertest.Options{})
			})
		}
	}
}
