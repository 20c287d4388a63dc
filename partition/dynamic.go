package partition

import (
	"errors"
	"fmt"
)

// dynamic is a set of keys that is kept in storage.
type dynamic struct {
	name   string
	faults []error
}

// Dynamic returns the definition of an asset whose partitions are added and removed
// while the system runs. The keys live in storage under a name; assets that use the
// same name share them. Their order is that in which they were first registered.
func Dynamic(name string) Definition {
	d := &dynamic{name: name}
	if err := checkKeyText(name); err != nil {
		d.faults = append(d.faults, fmt.Errorf("dynamic partitions: the name %w", err))
	}
	return d
}

func (d *dynamic) Kind() Kind            { return KindDynamic }
func (d *dynamic) Validate() error       { return errors.Join(d.faults...) }
func (d *dynamic) Describe() Description { return Description{Kind: KindDynamic, Name: d.name} }
func (d *dynamic) String() string        { return "dynamic(" + escape(d.name) + ")" }
func (d *dynamic) sealed()               {}

// named is a reference to a definition registered elsewhere.
type named struct {
	name   string
	faults []error
}

// Named returns a reference to the definition registered under a name in the
// repository, so that many assets share one. [Resolve] replaces it.
func Named(name string) Definition {
	d := &named{name: name}
	if err := checkKeyText(name); err != nil {
		d.faults = append(d.faults, fmt.Errorf("named partitions: the name %w", err))
	}
	return d
}

func (d *named) Kind() Kind            { return KindNamed }
func (d *named) Validate() error       { return errors.Join(d.faults...) }
func (d *named) Describe() Description { return Description{Kind: KindNamed, Name: d.name} }
func (d *named) String() string        { return "named(" + escape(d.name) + ")" }
func (d *named) sealed()               {}
