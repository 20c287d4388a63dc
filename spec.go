package rivers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/executor"
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
	executor executor.Executor // zero: not said
	inner    executor.Executor // of a graph asset's tasks; zero: not said
	held     []storage.PoolSlots
}

func (d *definition) fault(at, format string, v ...any) {
	d.faults = append(d.faults, fault{at: at, message: fmt.Sprintf(format, v...), kind: ErrGraphValidation})
}

// checkName notes a mistake of the definition's own name.
func (d *definition) checkName() {
	if mistake := nameMistake(d.name); mistake != "" {
		d.fault("", "%s", mistake)
	}
}

// attrs copies and checks what people attach to one output.
func (d *definition) attrs(at string, a graph.Attrs) *graph.Attrs {
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
	return &a
}

// normal converts metadata to values; what has none is a fault.
func (d *definition) normal(at string, m metadata.Map) metadata.Map {
	if len(m) == 0 {
		return nil
	}
	n, err := m.Normalize()
	if err != nil {
		prefix := strings.TrimSuffix(at, "metadata")
		for line := range strings.Lines(err.Error()) {
			part, message, _ := strings.Cut(strings.TrimSpace(line), ": ")
			d.fault(prefix+part, "%s", message)
		}
	}
	return n
}

// configure checks what a definition that runs may set.
func (d *definition) configure(s settings, m metadata.Map) settings {
	policyMistakes(s.retry, func(message string) { d.fault("retry", "%s", message) })
	if s.timeout < 0 {
		d.fault("timeout", "it is %s: give a positive duration, or 0 for no limit", s.timeout)
	}
	s.hooks = slices.Clone(s.hooks)
	for _, h := range s.hooks {
		d.faults = append(d.faults, h.faults...)
	}
	s.held = d.poolSlots(s.pools)
	s.executor = d.executor(m, executorKey)
	if d.kind == graph.GraphTask {
		s.inner = d.executor(m, nodeExecutorKey)
	} else if _, ok := m[nodeExecutorKey]; ok {
		d.fault(fmt.Sprintf("metadata %q", nodeExecutorKey), "it is for the tasks of a graph asset: use %q", executorKey)
	}
	return s
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

// apply puts the settings into a node.
func (s *settings) apply(n *graph.Node, scope *scope) {
	n.Retry, n.Timeout, n.Pools = s.retry, s.timeout, s.held
	n.Executor, n.HasExecutor = s.executor, !s.executor.IsZero()
	for _, h := range s.hooks {
		n.Hooks = append(n.Hooks, h.compile(scope))
	}
}
