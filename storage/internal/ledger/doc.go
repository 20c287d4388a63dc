// Package ledger decides what a transaction writes, for every backend that has transactions.
//
// A backend hands over a group of requests and its [Facts]: what the store holds. [Decide] applies
// the requests in their order, in memory, and leaves the rows to write in [Effects]:
//
//	requests ──▶ Decide ──▶ Effects ──▶ the backend's rows
//	               │ ▲
//	               ▼ │
//	             Facts ──▶ the backend's look-ups
//
// A refusal drops its request alone: it is found before anything of the request has an effect.
// The package knows no SQL, opens no transaction and starts no goroutine.
//
// # Facts are lazy
//
// Decide asks for a fact when it needs it. PostgreSQL has collected what the group needs
// ([Needs]), has locked it and read it in one pipeline, and answers from memory. SQLite has the
// file to itself: it answers with a prepared look-up, and remembers the answer for the rest of the
// transaction.
//
// A fact is a pointer, and the same one for the whole transaction. Decide changes what it points
// to, so that later requests of the group see what earlier ones did. The backend reads the changed
// ones from Effects.
//
// # What stays with the backend
//
// Three subjects are effects where one would expect facts, because a backend can write without
// reading:
//
//   - A new run gets its key from [Runs.AddRun]: PostgreSQL has a sequence, SQLite inserts.
//   - Partitions leave what is in flight with [InFlight.SettleInFlight]: SQLite deletes the row
//     whose bytes equal the settled partitions, and reads the row only if none does.
//   - Ordinals of keys are looked up some thousand at a time ([KeyTables.Ordinals]).
package ledger
