//go:build gate

package postgres_test

// defaultCrashes is how often the gate crashes the server beside strangers.
const defaultCrashes = 10
