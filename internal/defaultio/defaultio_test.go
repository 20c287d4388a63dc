package defaultio_test

import (
	"os"
	"testing"

	"github.com/rivers-go/rivers/internal/defaultio"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/iohandlertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T, *defaultio.Handler) error{
		"files":     func(t *testing.T, h *defaultio.Handler) error { return h.Open(t.TempDir()+"/a b%20#?", false) },
		"temporary": func(_ *testing.T, h *defaultio.Handler) error { return h.Open("", true) },
		"memory":    func(_ *testing.T, h *defaultio.Handler) error { return h.Open("", false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iohandlertest.Run(t, func(t *testing.T) iohandler.Handler {
				h := &defaultio.Handler{}
				if err := open(t, h); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := h.Close(); err != nil {
						t.Error(err)
					}
					if _, err := os.Stat(h.Dir()); name == "temporary" && !os.IsNotExist(err) {
						t.Errorf("%s is left: %v", h.Dir(), err)
					}
				})
				return h
			}, iohandlertest.Options{})
		})
	}
}
