// Package memory keeps a store in the memory of the process: the fold of batches into maps and
// slices. It is the quickest store for tests and for programs whose history nobody reads later,
// and the model that storage/storagetest compares every other backend with; so it does the
// plain thing everywhere.
//
// The caller applies its batch itself, under one lock. Append is Commit without an answer, and
// "durable" means nothing. A run has a slice of events in the order of their numbers: a step costs
// two appends and one assignment, and no map grows with the number of events.
//
// All methods may be called from any goroutine. Bytes and maps in what is returned are the
// store's own: read them, do not change them.
package memory
