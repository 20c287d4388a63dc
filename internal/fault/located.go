package fault

import "strings"

// LocatedError is a mistake and the definition that has it.
type LocatedError struct {
	Fault

	// KindName is what was defined, such as "multi-asset"; Name is the definition's.
	KindName, Name string
	// Position is where the definition stands in the source; empty if unknown.
	Position string
}

// Error is one line: position, definition, part and message.
func (l *LocatedError) Error() string {
	var b strings.Builder
	if l.Position != "" {
		b.WriteString(l.Position)
		b.WriteString(": ")
	}
	b.WriteString(l.KindName)
	b.WriteByte(' ')
	b.WriteString(Quoted(l.Name))
	b.WriteString(": ")
	if l.At != "" {
		b.WriteString(l.At)
		b.WriteString(": ")
	}
	b.WriteString(l.Message)
	return b.String()
}

// Unwrap returns the kind of the mistake.
func (l *LocatedError) Unwrap() error { return l.Kind }

// Is reports whether target is [ErrDefinition], the kind of every mistake.
func (l *LocatedError) Is(target error) bool { return target == ErrDefinition }

// LocatedErrors are all mistakes of a set of definitions, in their order.
type LocatedErrors []*LocatedError

// Error has one line for each mistake.
func (m LocatedErrors) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lists the mistakes for errors.Is and errors.As.
func (m LocatedErrors) Unwrap() []error {
	all := make([]error, len(m))
	for i, one := range m {
		all[i] = one
	}
	return all
}
