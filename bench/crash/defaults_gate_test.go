//go:build gate

package main

import "time"

// How much the gate kills and writes.
const (
	defaultKills         = 50
	defaultBackfillKills = 10
	defaultWriting       = 5 * time.Second
)
