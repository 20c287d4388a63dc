package rivers

import (
	"fmt"
	"reflect"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
)

// Validate checks every definition and how they fit together, and returns all mistakes at once, in
// the order of the definitions, each with its name, its source file and line, what was found and
// what would be right. It opens nothing, sets up nothing, and may be called again and again: with
// mistakes it looks at everything anew, a valid repository stays valid since definitions do not change.
func (r *CodeRepository) Validate() error {
	_, err := r.catalog()
	return err
}

// catalog returns the checked definitions, checked at the first call.
func (r *CodeRepository) catalog() (*catalog.Catalog, error) {
	r.building.Lock()
	defer r.building.Unlock()
	if r.checked != nil {
		return r.checked, nil
	}
	c, mistakes := catalog.Build(r.catalogConfig())
	if len(mistakes) > 0 {
		return nil, newDefinitionErrors(mistakes)
	}
	r.checked = c
	return c, nil
}

// catalogConfig is the repository as a catalog takes it.
func (r *CodeRepository) catalogConfig() catalog.Config {
	c := &r.config
	out := catalog.Config{
		Location: c.Name, Position: r.pos, Definitions: r.definitions, Count: len(c.Assets) + len(c.Tasks) + len(c.Checks),
		DefaultExecutor: c.DefaultExecutor, DefaultHandler: c.DefaultIOHandler, Fallback: r.fallback, Resources: r.resources(),
		Retry: c.DefaultRetry, Retries: c.Retries, Pools: c.PoolLimits, Partitions: c.PartitionDefs, Retention: c.Retention,
	}
	for i := range c.Jobs {
		out.Jobs = append(out.Jobs, c.Jobs[i].spec())
	}
	return out
}

// definitions yields what is registered, or the mistake in its place.
func (r *CodeRepository) definitions(yield func(*define.Definition, fault.Fault) bool) {
	const isNone = "it is nil: remove it, or define it before the repository"
	mistake := func(list string, i int, message string) bool {
		return yield(nil, fault.Fault{At: fmt.Sprintf("%s[%d]", list, i), Message: message})
	}
	for i, a := range r.config.Assets {
		if isNil(a) && !mistake("Assets", i, isNone) || !isNil(a) && !yield(a.def(), fault.Fault{}) {
			return
		}
	}
	for i, t := range r.config.Tasks {
		going := false
		if isNil(t) {
			going = mistake("Tasks", i, isNone)
		} else if _, asset := t.(Asset); asset {
			going = mistake("Tasks", i, fmt.Sprintf("%q is an asset: list it under Assets", t.Name()))
		} else {
			going = yield(t.def(), fault.Fault{})
		}
		if !going {
			return
		}
	}
	for i, c := range r.config.Checks {
		if c == nil && !mistake("Checks", i, isNone) || c != nil && !yield(c.d, fault.Fault{}) {
			return
		}
	}
}

// isNil reports whether an interface holds nothing, or a nil pointer.
func isNil(n Node) bool {
	if n == nil {
		return true
	}
	v := reflect.ValueOf(n)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
