package define

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// The keys of metadata that override the executor of a run.
const (
	executorKey     = "rivers/executor"
	nodeExecutorKey = "rivers/node/executor"
)

// Settings are what every definition that runs may set. The constructor reads them from its spec.
type Settings struct {
	Retry   retry.Policy
	Timeout time.Duration
	// Hooks are called after the step. A nil hook is a mistake: the zero Hook of the root package.
	Hooks   []*Hook
	Pools   []Pool
	Compute executor.Compute

	executor executor.Executor // zero: unset
	inner    executor.Executor // of a graph asset's tasks; zero: unset
	held     []storage.PoolSlots
}

// Fault records a mistake of the definition. Validation reports it.
func (d *Definition) Fault(at, format string, v ...any) {
	d.Faults = append(d.Faults, fault.Fault{At: at, Message: fmt.Sprintf(format, v...), Kind: fault.ErrGraphValidation})
}

// checkName notes a mistake of the definition's own name.
func (d *Definition) checkName() {
	if mistake := fault.NameMistake(d.Name); mistake != "" {
		d.Fault("", "%s", mistake)
	}
}

// attrs copies and checks what people attach to one output.
func (d *Definition) attrs(at string, a graph.Attrs) graph.Attrs {
	prefix := strings.TrimPrefix(at+" ", " ")
	a.Kinds, a.Owners, a.Tags = slices.Clone(a.Kinds), slices.Clone(a.Owners), maps.Clone(a.Tags)
	if slices.Contains(a.Kinds, "") {
		d.Fault(prefix+"kinds", "one is empty: remove it")
	}
	if slices.Contains(a.Owners, "") {
		d.Fault(prefix+"owners", "one is empty: remove it")
	}
	if _, ok := a.Tags[""]; ok {
		d.Fault(prefix+"tags", "one has an empty key: name it, or remove it")
	}
	a.Metadata = d.normal(prefix+"metadata", a.Metadata)
	return a
}

// nonEmptyAttrs returns nil for attributes without content, so that large repositories do not hold
// thousands of empty structs.
func nonEmptyAttrs(a graph.Attrs) *graph.Attrs {
	if a.IsZero() {
		return nil
	}
	kept := a // a itself would be on the heap in any case
	return &kept
}

// normal converts metadata to values; what has none is a fault.
func (d *Definition) normal(at string, m metadata.Map) metadata.Map {
	if len(m) == 0 {
		return nil
	}
	n, err := m.Normalize()
	if err != nil {
		prefix := strings.TrimSuffix(at, "metadata")
		for _, one := range fault.Each(err) {
			part, message, _ := strings.Cut(one.Error(), ": ")
			d.Fault(prefix+part, "%s", message)
		}
	}
	return n
}

// configure checks what a definition that runs may set; nil is nothing.
func (d *Definition) configure(s Settings, m metadata.Map) *Settings {
	PolicyMistakes(s.Retry, func(message string) { d.Fault("retry", "%s", message) })
	if s.Timeout < 0 {
		d.Fault("timeout", "it is %s: give a positive duration, or 0 for no limit", s.Timeout)
	}
	s.Hooks = slices.Clone(s.Hooks)
	for _, h := range s.Hooks {
		if h != nil {
			d.Faults = append(d.Faults, h.faults...)
		}
	}
	s.held = d.poolSlots(s.Pools)
	if err := s.Compute.Validate(); err != nil {
		d.Fault("compute", "%s", err)
	}
	s.executor = d.executor(m, executorKey)
	if d.Kind == graph.GraphTask {
		s.inner = d.executor(m, nodeExecutorKey)
	} else if _, ok := m[nodeExecutorKey]; ok {
		d.Fault(fmt.Sprintf("metadata %q", nodeExecutorKey), "it is for the tasks of a graph asset: use %q", executorKey)
	}
	if s.Retry.IsZero() && s.Timeout == 0 && len(s.Hooks) == 0 && len(s.held) == 0 && s.Compute.IsZero() && s.executor.IsZero() && s.inner.IsZero() {
		return nil
	}
	kept := s
	return &kept
}

// executor reads the executor that metadata gives under key, zero for none.
func (d *Definition) executor(m metadata.Map, key string) executor.Executor {
	v, ok := m[key]
	if !ok {
		return executor.Executor{}
	}
	at := fmt.Sprintf("metadata %q", key)
	text, ok := m.Text(key)
	if !ok {
		if e, given := v.(executor.Executor); given {
			text = e.String()
		} else if s, given := v.(string); given {
			text = s
		}
	}
	e, err := executor.Parse(text)
	if err == nil {
		err = e.Validate()
	}
	if err != nil {
		d.Fault(at, "%s", err)
	}
	return e
}

// compile makes the settings of a node, nil where nothing is set.
func (s *Settings) compile(scope *Scope) *graph.Settings {
	if s == nil {
		return nil
	}
	set := &graph.Settings{
		Retry: s.Retry, Timeout: s.Timeout, Executor: s.executor, HasExecutor: !s.executor.IsZero(), Pools: s.held, Compute: s.Compute,
	}
	for _, h := range s.Hooks {
		set.Hooks = append(set.Hooks, h.compile(scope))
	}
	return set
}

// PolicyMistakes reports every mistake of a retry policy by itself.
func PolicyMistakes(p retry.Policy, report func(message string)) {
	for _, one := range fault.Each(p.Validate()) {
		report(strings.TrimPrefix(one.Error(), "retry: "))
	}
}

// checkFreshness records the mistakes of a freshness policy by itself.
func (d *Definition) checkFreshness(at string, p freshness.Policy) {
	for _, one := range fault.Each(p.Validate()) {
		d.Fault(strings.TrimSpace(at+" freshness"), "%s", one)
	}
}
