// Package config reads the config struct of a function.
//
// A config struct is plain Go. Its tags carry names, defaults, environment variables and rules.
// [Of] inspects the struct once, when the function is defined, and reports mistakes in the struct
// as faults of the definition. [Spec.Decode] makes a value for a run: defaults first, then
// environment variables, then the request's overrides, and at last the rules. It reports all
// mistakes together, so that a user mends a config in one go. [Spec.Schema] describes the struct to
// forms.
//
// Requests are recorded, so a secret never stands in one: it is named as an environment variable of
// the process that runs the step. The secret's type belongs to the root package, which hands it in
// as [Secrets].
//
// The words of the rules are those of go-playground/validator. The package reads them itself, since
// that module would add four megabytes to a program and double its start-up time.
package config
