package gocloud_test

import (
	"bytes"
	"context"
	"testing"

	gocloudblob "gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	_ "github.com/rivers-go/rivers/iohandler/blob/gocloud"
	"github.com/rivers-go/rivers/iohandler/iohandlertest"
)

// scratch is the scheme of a driver that a program imports by itself.
const scratch = "scratch"

func TestMain(m *testing.M) {
	gocloudblob.DefaultURLMux().RegisterBucket(scratch, &memblob.URLOpener{})
	m.Run()
}

func open(t *testing.T, codec blob.Codec) *blob.Handler {
	t.Helper()
	h := blob.New(scratch+"://", blob.Options{Prefix: "a/b.c", Codec: codec})
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func TestConformance(t *testing.T) {
	t.Parallel()
	iohandlertest.Run(t, func(t *testing.T) iohandler.Handler { return open(t, blob.CBOR()) }, iohandlertest.Options{})
}

// TestLargeObject checks an object that is not fetched into memory.
func TestLargeObject(t *testing.T) {
	t.Parallel()
	h, ctx := open(t, blob.Raw()), context.Background()
	want := bytes.Repeat([]byte("0123456789abcdef"), 33<<16)
	if err := h.HandleOutput(ctx, &iohandler.OutputContext{Name: "large"}, want); err != nil {
		t.Fatal(err)
	}
	got, err := h.LoadInput(ctx, &iohandler.InputContext{Name: "large"})
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := got.([]byte); !ok || !bytes.Equal(text, want) {
		t.Errorf("loaded %d bytes, want the %d that were written", len(text), len(want))
	}
}
