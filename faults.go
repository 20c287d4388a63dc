package rivers

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/retry"
)

// fault notes a mistake of a definition.
func (v *validation) fault(d *define.Definition, f fault.Fault) {
	v.errs = append(v.errs, &DefinitionError{
		Kind: d.KindName(), Name: d.Name, Position: d.Pos.String(), At: f.At, Message: f.Message, Err: f.Kind,
	})
}

// repositoryFault notes a mistake of the repository itself.
func (v *validation) repositoryFault(at, message string) {
	v.errs = append(v.errs, &DefinitionError{
		Kind: "repository", Name: v.repo.config.Name, Position: v.repo.pos.String(), At: at, Message: message, Err: ErrDefinition,
	})
}

// checkRepository looks at what belongs to no definition.
func (v *validation) checkRepository() {
	c := &v.repo.config
	if err := c.DefaultExecutor.Validate(); err != nil {
		v.repositoryFault("DefaultExecutor", err.Error())
	}
	v.retry = v.ownPolicy(c.DefaultRetry, func(message string) { v.repositoryFault("DefaultRetry", message) })
	for _, name := range slices.Sorted(maps.Keys(c.Retries)) {
		p, at := c.Retries[name], fmt.Sprintf("Retries[%q]", name)
		if p.IsNamed() {
			v.repositoryFault(at, fmt.Sprintf("it refers to %q: give a policy, a name is not followed twice", p.Name()))
			continue
		}
		define.PolicyMistakes(p, func(message string) { v.repositoryFault(at, message) })
	}
	v.checkDefaultHandler()
	v.checkPoolLimits()
	v.checkRetention()
	for _, name := range slices.Sorted(maps.Keys(c.Resources)) {
		if mistake := fault.NameMistake(name); mistake != "" {
			v.repositoryFault(fmt.Sprintf("Resources[%q]", name), mistake)
		}
	}
}

func (v *validation) checkDefaultHandler() {
	if name, reference := iohandler.NameOf(v.repo.config.DefaultIOHandler); reference {
		if _, message := lookUpHandler(v.repo.config.Resources, name); message != "" {
			v.repositoryFault("DefaultIOHandler", message)
			return
		}
	}
	if err := v.settings(v.scope.DefaultHandler); err != nil {
		v.repositoryFault("DefaultIOHandler", err.Error())
	}
}

// ownPolicy checks a policy that belongs to no definition, and returns the one that it stands for.
func (v *validation) ownPolicy(p retry.Policy, report func(message string)) retry.Policy {
	define.PolicyMistakes(p, report)
	return v.policy(p, func(f fault.Fault) { report(f.Message) })
}

// policy returns the policy that p stands for; its own numbers were checked with the definition.
func (v *validation) policy(p retry.Policy, report func(fault.Fault)) retry.Policy {
	if !p.IsNamed() || p.Name() == "" { // one without a name was reported with its numbers
		return p
	}
	found, ok := v.repo.config.Retries[p.Name()]
	if !ok {
		names := slices.Sorted(maps.Keys(v.repo.config.Retries))
		report(fault.Fault{At: "retry", Kind: ErrGraphValidation, Message: fmt.Sprintf("no retry policy is named %q%s; %s",
			p.Name(), fault.Suggestion(p.Name(), slices.Values(names)), fault.Listed("registered policies", names))})
	}
	return found
}

// defaultHandler is the handler of outputs that have none of their own.
func (r *CodeRepository) defaultHandler() iohandler.Handler {
	h := r.config.DefaultIOHandler
	if h == nil {
		return r.fallback
	}
	if name, reference := iohandler.NameOf(h); reference {
		if found, message := lookUpHandler(r.config.Resources, name); message == "" {
			return found
		}
		return r.fallback // checkRepository reports it
	}
	return h
}

// isNil reports whether an interface holds nothing, or a nil pointer.
func isNil(n Node) bool {
	if n == nil {
		return true
	}
	v := reflect.ValueOf(n)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// checkRetention looks at the ages that history is kept.
func (v *validation) checkRetention() {
	if err := v.repo.config.Retention.Validate(); err != nil {
		v.repositoryFault("Retention", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
