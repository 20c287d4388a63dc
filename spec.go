package rivers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/executor"
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

// settings are what every definition that runs may set, read from its spec once.
type settings struct {
	retry    retry.Policy
	timeout  time.Duration
	hooks    []Hook
	pools    []Pool
	compute  executor.Compute
	executor executor.Executor // zero: not said
	inner    executor.Executor // of a graph asset's tasks; zero: not said
	held     []storage.PoolSlots
}

func (d *definition) fault(at, format string, v ...any) {
	d.faults = append(d.faults, fault.Fault{At: at, Message: fmt.Sprintf(format, v...), Kind: ErrGraphValidation})
}

// checkName notes a mistake of the definition's own name.
func (d *definition) checkName() {
	if mistake := fault.NameMistake(d.name); mistake != "" {
		d.fault("", "%s", mistake)
	}
}

// attrs copies and checks what people attach to one output.
func (d *definition) attrs(at string, a graph.Attrs) graph.Attrs {
	prefix := strings.TrimPrefix(at+" ", " ")
	a.Kinds, a.Owners, a.Tags = slices.Clone(a.Kinds), slices.Clone(a.Owners), maps.Clone(a.Tags)
	if slices.Contains(a.Kinds, "") {
		d.fault(prefix+"kinds", "one is empty: remove it")
	}
	if slices.Contains(a.Owners, "") {
		d.fault(prefix+"owners", "one is empty: remove it")
	}
	if _, ok := a.Tags[""]; ok {
		d.fault(prefix+"tags", "one has an empty key: name it, or remove it")
	}
	a.Metadata = d.normal(prefix+"metadata", a.Metadata)
	return a
}

// said returns nil where nothing is attached, which is most often: thousands of empty structs show.
func said(a graph.Attrs) *graph.Attrs {
	if a.IsZero() {
		return nil
	}
	kept := a // a itself would be on the heap in any case
	return &kept
}

// normal converts metadata to values; what has none is a fault.
func (d *definition) normal(at string, m metadata.Map) metadata.Map {
	if len(m) == 0 {
		return nil
	}
	n, err := m.Normalize()
	if err != nil {
		prefix := strings.TrimSuffix(at, "metadata")
		for _, one := range fault.Each(err) {
			part, message, _ := strings.Cut(one.Error(), ": ")
			d.fault(prefix+part, "%s", message)
		}
	}
	return n
}

// configure checks what a definition that runs may set; nil is nothing.
func (d *definition) configure(s settings, m metadata.Map) *settings {
	policyMistakes(s.retry, func(message string) { d.fault("retry", "%s", message) })
	if s.timeout < 0 {
		d.fault("timeout", "it is %s: give a positive duration, or 0 for no limit", s.timeout)
	}
	s.hooks = slices.Clone(s.hooks)
	for _, h := range s.hooks {
		d.faults = append(d.faults, h.faults...)
	}
	s.held = d.poolSlots(s.pools)
	if err := s.compute.Validate(); err != nil {
		d.fault("compute", "%s", err)
	}
	s.executor = d.executor(m, executorKey)
	if d.kind == graph.GraphTask {
		s.inner = d.executor(m, nodeExecutorKey)
	} else if _, ok := m[nodeExecutorKey]; ok {
		d.fault(fmt.Sprintf("metadata %q", nodeExecutorKey), "it is for the tasks of a graph asset: use %q", executorKey)
	}
	if s.retry.IsZero() && s.timeout == 0 && len(s.hooks) == 0 && len(s.held) == 0 && s.compute.IsZero() && s.executor.IsZero() && s.inner.IsZero() {
		return nil
	}
	kept := s
	return &kept
}

// executor reads the executor that metadata gives under key, zero for none.
func (d *definition) executor(m metadata.Map, key string) executor.Executor {
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
		d.fault(at, "%s", err)
	}
	return e
}

// compile makes the settings of a node, nil where nothing is set.
func (s *settings) compile(scope *scope) *graph.Settings {
	if s == nil {
		return nil
	}
	set := &graph.Settings{
		Retry: s.retry, Timeout: s.timeout, Executor: s.executor, HasExecutor: !s.executor.IsZero(), Pools: s.held, Compute: s.compute,
	}
	for _, h := range s.hooks {
		set.Hooks = append(set.Hooks, h.compile(scope))
	}
	return set
}
