package decide_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine/decide/decidetest"
)

// Whatever order things happen in, each step gets one outcome that follows from those before it, and a replay of any
// prefix decides the same.
func TestRandomRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { decidetest.Run(t, decidetest.Draw(t)) })
}
