package azure_test

import (
	"testing"

	"github.com/rivers-go/rivers/iohandler/blob"
	_ "github.com/rivers-go/rivers/iohandler/blob/azure"
)

// TestLinked checks that the import which the error names is the one that mends it.
func TestLinked(t *testing.T) {
	t.Parallel()
	if err := blob.New("azblob://bucket/dir", blob.Options{}).Validate(); err != nil {
		t.Error(err)
	}
}
