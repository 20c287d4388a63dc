// Package decidetest drives deciders of runs through random runs, and checks each answer against a
// naive model that looks at all events again. Only tests import it.
package decidetest
