package iohandler

import (
	"context"
	"fmt"
)

// Named returns a reference to the handler registered as resource name. The repository replaces
// it when it resolves; a name that is no resource, or no handler, is a definition error.
func Named(name string) Handler { return reference(name) }

// NameOf returns the resource a handler made by [Named] refers to, and whether it is one.
func NameOf(h Handler) (string, bool) {
	r, ok := h.(reference)
	return string(r), ok
}

type reference string

func (r reference) HandleOutput(_ context.Context, out *OutputContext, _ any) error {
	return fmt.Errorf("output %q: io handler %q is a reference, used outside a repository", out.Name, string(r))
}

func (r reference) LoadInput(_ context.Context, in *InputContext) (any, error) {
	return nil, fmt.Errorf("input %q: io handler %q is a reference, used outside a repository", in.Name, string(r))
}
