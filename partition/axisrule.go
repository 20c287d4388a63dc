package partition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// axisRule returns the rule of a mapping between two dimensions, or their default.
func axisRule(m Mapping, up, down Definition) (rule, error) {
	r := m.rule
	if r == nil {
		var ok bool
		if r, ok = defaultRule(up, down); !ok {
			return nil, fmt.Errorf("no mapping follows from upstream %s and downstream %s: say which one is meant", up, down)
		}
	}
	return r, checkAxis(r, up, down)
}

// checkAxis checks a rule between two dimensions.
func checkAxis(r rule, up, down Definition) error {
	upTime, upWindows := up.(*timeWindow)
	downTime, downWindows := down.(*timeWindow)
	switch r := r.(type) {
	case allPartitions:
		return nil
	case specific:
		return checkKeys(r.keys, up)
	case overlap:
		if !upWindows || !downWindows {
			return errors.New("both sides must be windows of time")
		}
		return nil
	case timeOffset:
		if !upWindows || !downWindows || !upTime.sameLabels(downTime) {
			return fmt.Errorf("both sides must have the same windows: upstream has %s, downstream %s", up, down)
		}
		return nil
	case identity:
		if upWindows != downWindows {
			return errors.New("one side has windows of time, the other has not")
		}
		if upWindows && !upTime.sameLabels(downTime) {
			return fmt.Errorf("the windows differ: upstream has %s as %s, downstream %s as %s", upTime.grid, upTime.format, downTime.grid, downTime.format)
		}
		return shareKeys(up, down)
	case staticMap:
		if !keyed(up) || !keyed(down) {
			return errors.New("both sides must be static or dynamic")
		}
		return r.check(up, down)
	default:
		return fmt.Errorf("%s does not map one dimension: use Identity, Subset, Overlap, TimeOffset, StaticMap, AllPartitions or Specific", r.text())
	}
}

// shareKeys checks that two static definitions have a key in common.
func shareKeys(up, down Definition) error {
	ups, upOK := up.(*static)
	downs, downOK := down.(*static)
	if !upOK || !downOK || sameKeys(ups.keys, downs.keys) {
		return nil
	}
	for _, key := range downs.keys {
		if _, ok := ups.position[key]; ok {
			return nil
		}
	}
	return fmt.Errorf("no key is the same: upstream has %s, downstream %s", up, down)
}

// check checks the keys of a map, as far as the definitions have them.
func (r staticMap) check(up, down Definition) error {
	if len(r.reads) == 0 {
		return errors.New("the map is empty: list what each downstream key reads")
	}
	ups, _ := up.(*static)
	downs, _ := down.(*static)
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(r.reads)) {
		if err := downs.knows(key); err != nil {
			hint := ""
			if ups != nil && ups.knows(key) == nil {
				hint = "; upstream has it: the map goes from downstream keys to what they read"
			}
			faults = append(faults, fmt.Errorf("downstream key %w%s", err, hint))
		}
		for _, read := range r.reads[key] {
			if err := ups.knows(read); err != nil {
				faults = append(faults, fmt.Errorf("upstream key %w", err))
			}
		}
	}
	return joinRefusals(faults)
}

// knows returns an error if the definition lacks a key. A nil definition, whose keys are unknown,
// accepts all.
func (d *static) knows(key string) error {
	if d == nil {
		return checkKeyText(key)
	}
	if _, ok := d.position[key]; !ok {
		return unknownKey(key, d.keys)
	}
	return nil
}
