// Package audit checks a SQL store against its invariants and mends what needs no guess.
//
//	backend: [Tx], [Dialect] ──▶ [Run]: every check reads ──▶ [Finding]: text, and its mend
//	                                                            ├─ [Audit.Texts]: what Check answers
//	                                                            └─ [Audit.Mend]: what Repair does
//
// Each check is written once. Its SQL is text that SQLite and PostgreSQL both read, its decision is
// Go over plain values, and its finding carries its own mend, which Repair applies in the
// same transaction. A [Dialect] holds the few expressions
// in which the two differ. A check is no hot path, so nothing is prepared or generated; the linear
// cost in rows is what counts.
//
// Parameters are $1, $2, …; words in braces stand for numbers and expressions, see [Dialect.words].
// Flags are read as the numbers 0 and 1, because SQLite has no booleans.
//
// An audit belongs to one transaction and one goroutine. A finding without a mend is reported and
// left alone.
package audit
