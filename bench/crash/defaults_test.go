//go:build !gate

package main

import "time"

// How much is killed and written by default, so that go test ./... takes its share and no more. The gate does more of it.
const (
	defaultKills         = 12
	defaultBackfillKills = 2
	defaultWriting       = time.Second
)
