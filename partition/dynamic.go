package partition

import (
	"errors"
	"fmt"
)

// dynamic is a set of keys in storage.
type dynamic struct {
	name   string
	faults []error
}

// Dynamic returns a definition whose partitions are added and removed at run time. Storage keeps
// the keys under the name; assets with the same name share them. Partitions are in the order of
// their first registration.
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

// Named returns a reference to a definition that the repository registers under a name, so that
// assets share it. [Resolve] replaces the reference.
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
