// Package lint holds the house rules that a linter does not know, as tests: a
// budget that nobody counts is a wish, and a rule whose refusal does not say what
// to do instead is a riddle. So each test reads the sources, counts, and answers
// with the place, the number, the budget and the way out.
//
// What is counted: lines of a file and of a function, exported names of the root
// package, documented symbols, packages without a floor, packages that the root
// links, sleeping and silently skipped tests, phrases of error messages, and paths
// of somebody's machine in what is committed. The floors themselves, and everything
// that a public linter can check, are in .golangci.yml; this package checks that no
// package escapes them.
//
// Generated files are nobody's prose and are left out; so is testdata. Budgets are
// constants beside the test that counts them: to raise one is to argue for it in the
// commit that does.
package lint
