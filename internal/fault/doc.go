// Package fault holds what every part of rivers needs to report a mistake in a definition.
//
// A [Fault] names the part at fault, describes what is wrong and what would be right, and carries a
// sentinel for [errors.Is]. The packages that find mistakes (config, define, catalog) return
// faults; the root package adds the definition's kind, name and source position and makes them
// public.
//
// The sentinels live here so that packages below the root can wrap them. The root exports the same
// values under the same names. A position is taken with [Here] when a definition is made and turned
// into text only when somebody reads it. [Guard] keeps panics of user code from leaving a call.
//
// The texts that messages share ([Suggestion], [Listed], [QuotedList], [NameMistake]) are here too,
// so that one mistake reads the same wherever it is found.
package fault
