// Package record turns rows of a backend's tables into records of package storage.
//
// Both SQL dialects select the same columns in the same order, with the same Go types: integers are
// int64, a NULL is zero, empty or nil. sqlc makes a struct type of every query, so the rows here
// are aliases of struct literals. A struct of any query with these columns converts to them:
//
//	rows, err := reads.ListJobRuns(ctx, params) // []db.ListJobRunsRow
//	list, err := record.Runs(rows)              // []storage.RunRecord
//
// A query that selects something else does not compile. Views would have given the queries one type
// as well, but a view is a new version of the stored format.
//
// Errors name the record, but neither the store nor the remedy: the backend adds both.
package record
