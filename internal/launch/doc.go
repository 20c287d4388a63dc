// Package launch turns a request into a run.
//
//	request ─▶ selection ─▶ plan ─▶ partitions ─▶ gates ─▶ engine.Config ─▶ engine.Execute
//	           (catalog)            (assignment)  (checks)  (one place)
//
// A [Runner] holds what all runs of one repository share: its checked definitions, the store, the
// leases. It begins new runs, continues recorded ones (resumed by request, or abandoned by a
// process that died), and retries runs that have ended. It also writes the edits that operators
// make to recorded state.
//
// Everything about a request is checked before anything is written. A Runner without a store plans
// only.
//
// A Runner is immutable, except for the instant at which it last looked for abandoned runs. Its
// methods may be called from any goroutine. Results are the engine's; the root package converts
// them.
package launch
