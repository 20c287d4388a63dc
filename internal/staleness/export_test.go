package staleness

// Tiny makes a view take the ways of reading that large assets take.
func (v *View) Tiny() { v.limits = limits{keys: 2, states: 2, few: 1, changes: 2, pages: 3} }
