package parquet_test

import (
	"testing"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/iohandlertest"
	"github.com/rivers-go/rivers/iohandler/parquet"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"file": func(t *testing.T) string { return "file://" + t.TempDir() },
		"mem":  func(*testing.T) string { return "mem://" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iohandlertest.Run(t, func(t *testing.T) iohandler.Handler {
				h := parquet.New(url(t), parquet.Options{Prefix: "etl", RowGroupRows: 1000})
				t.Cleanup(func() {
					if err := h.Close(); err != nil {
						t.Error(err)
					}
				})
				return h
			}, iohandlertest.Options{Values: own(), Compare: compare})
		})
	}
}
