package partition

import (
	"errors"
	"fmt"
	"time"
)

// Description is a definition as plain data, for stored topologies and other processes. As JSON it
// has the fields of its kind. The zero Description is that of an unpartitioned asset.
// [Description.Definition] makes the definition again.
type Description struct {
	Kind       Kind                   `json:"kind"`
	Keys       []string               `json:"keys,omitempty"`       // of a static definition, in order
	Cron       string                 `json:"cron,omitempty"`       // of a time window, or
	Every      string                 `json:"every,omitempty"`      // its regular step as a duration, from Start
	Start      Civil                  `json:"start,omitzero"`       // the start of the first window
	End        Civil                  `json:"end,omitzero"`         // windows start before it
	Zone       string                 `json:"zone,omitempty"`       // IANA name; none is UTC
	Format     string                 `json:"format,omitempty"`     // strftime-style, of the keys
	EndOffset  int                    `json:"end_offset,omitempty"` // windows that exist beyond those that have ended
	Name       string                 `json:"name,omitempty"`       // of a dynamic or a named definition
	Dimensions map[string]Description `json:"dimensions,omitempty"` // of a multi definition
}

// Describe returns a definition, which may be nil, as plain data.
func Describe(d Definition) Description {
	if d == nil {
		return Description{}
	}
	return d.Describe()
}

// Definition returns the described definition, nil for an unpartitioned asset. It returns an error
// for data that describes no definition. [Definition.Validate] reports mistakes in the definition
// itself.
func (d Description) Definition() (Definition, error) {
	switch d.Kind {
	case KindNone:
		return nil, nil //nolint:nilnil // no partitions are a nil definition, everywhere
	case KindStatic:
		return Static(d.Keys...), nil
	case KindDynamic:
		return Dynamic(d.Name), nil
	case KindNamed:
		return Named(d.Name), nil
	case KindTimeWindow:
		return d.timeWindow()
	case KindMulti:
		dims := make(map[string]Definition, len(d.Dimensions))
		var faults []error
		for name, one := range d.Dimensions {
			def, err := one.Definition()
			if err != nil {
				faults = append(faults, fmt.Errorf("dimension %q: %w", name, err))
			}
			dims[name] = def
		}
		return Multi(dims), errors.Join(faults...)
	default:
		return nil, fmt.Errorf("description of partitions: the kind is %s, which a newer version may have written", d.Kind)
	}
}

// timeWindow returns the described definition of time windows.
func (d Description) timeWindow() (Definition, error) {
	cadence := Cron(d.Cron)
	if d.Every != "" {
		every, err := time.ParseDuration(d.Every)
		if err != nil {
			return nil, fmt.Errorf("description of partitions: every %q: write a duration such as 6h", d.Every)
		}
		cadence = Every(every)
	}
	return TimeWindow(cadence, d.Start, In(d.Zone), Until(d.End), EndOffset(d.EndOffset), Format(d.Format)), nil
}
