package iohandler_test

import (
	"testing"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/iohandlertest"
)

func TestMemory(t *testing.T) {
	iohandlertest.Run(t, func(*testing.T) iohandler.Handler { return iohandler.Memory() }, iohandlertest.Options{})
}
