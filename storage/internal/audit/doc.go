// Package audit judges what a store keeps, for backends that can be checked and mended: which sets, groups, tables
// of keys and backfills cannot be right, in words, and what would be right where that is no guess.
//
//	a backend reads ──▶ rows, sets, records ──▶ [Finding]: what is wrong ──▶ Check tells it
//	                                                 └─ how it is mended ──▶ Repair does it, in the same transaction
//
// It knows no SQL: how something is mended is the backend's to say, which hands in a function. What has no such function is
// told and left alone.
package audit
