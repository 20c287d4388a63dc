//go:build !gate

package postgres_test

// defaultCrashes is the share of crashes that go test ./... takes. The gate does more.
const defaultCrashes = 3
