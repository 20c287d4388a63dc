package staleness_test

import (
	"slices"

	"github.com/rivers-go/rivers/partition"
)

// upstream are the keys that a partition reads of another asset, one by one.
func (w *world) upstream(s *spec, d *dep, text string) []string {
	w.Helper()
	asked := s.name + "/" + d.on + "/" + text
	if keys, known := w.reads[asked]; known {
		return keys
	}
	keys := w.lookUpstream(s, d, text)
	if w.reads != nil {
		w.reads[asked] = keys
	}
	return keys
}

func (w *world) lookUpstream(s *spec, d *dep, text string) []string {
	w.Helper()
	up := w.spec(d.on)
	if up.def == nil && s.def == nil {
		return []string{""}
	}
	from, to := w.space(up.def), w.space(s.def)
	edge, ok := w.edges[s.name+"/"+d.on]
	if !ok {
		var err error
		if edge, err = d.by.Connect(from, to); err != nil {
			w.Fatal(err)
		}
		if w.edges != nil {
			w.edges[s.name+"/"+d.on] = edge
		}
	}
	needs, _ := edge.Upstream(w.setOf(to, text))
	return w.textsOf(from, needs)
}

// naive says of one partition why it is stale, looking at every state there is.
func (w *world) naive(s *spec, text string) []string {
	w.Helper()
	m := w.made[s.name][text]
	if m == nil {
		return nil
	}
	var why []string
	if s.code != "" && s.code != m.code {
		why = append(why, "has a new code version")
	}
	for i := range s.reads {
		d := &s.reads[i]
		if _, known := m.inputs[d.on]; !known && d.on != s.name {
			why = append(why, "new dependency on "+d.on)
		} else if w.naiveData(s, d, text, m) {
			why = append(why, "new data of "+d.on)
		}
	}
	for name := range m.inputs {
		if !slices.ContainsFunc(s.reads, func(d dep) bool { return d.on == name }) {
			why = append(why, "removed dependency on "+name)
		}
	}
	slices.Sort(why)
	return why
}

func (w *world) naiveData(s *spec, d *dep, text string, m *model) bool {
	w.Helper()
	up := w.spec(d.on)
	single := d.on != s.name && (up.def == nil && s.def == nil || !d.by.Reading(up.def, s.def).Several)
	for _, key := range w.upstream(s, d, text) {
		u := w.made[d.on][key]
		switch {
		case u == nil:
		case single && !m.group:
			if u.version != m.inputs[d.on] {
				return true
			}
		case u.seq > m.seq, u.seq > m.read && u.run != m.run:
			return true
		}
	}
	return false
}

// naiveAbove says of all partitions whether something further up is stale or missing: what reads such, and what
// reads what reads such, until there is nothing more to be found.
func (w *world) naiveAbove() map[string]bool {
	w.Helper()
	bad, reads := map[string]bool{}, map[string][]string{}
	for i := range w.specs {
		s := &w.specs[i]
		for _, text := range w.texts(s) {
			own := s.name + "/" + text
			bad[own] = !s.external && (w.made[s.name][text] == nil || len(w.naive(s, text)) > 0)
			for k := range s.reads {
				for _, key := range w.upstream(s, &s.reads[k], text) {
					if up := s.reads[k].on + "/" + key; up != own { // its own former value does not count
						reads[own] = append(reads[own], up)
					}
				}
			}
		}
	}
	above := map[string]bool{}
	for before := -1; before < len(above); {
		before = len(above)
		for own, ups := range reads {
			if slices.ContainsFunc(ups, func(up string) bool { return bad[up] || above[up] }) {
				above[own] = true
			}
		}
	}
	return above
}

// check compares the view with the model.
func (w *world) check() {
	w.Helper()
	if err := w.view.Update(w.ctx, w.now); err != nil {
		w.Fatal(err)
	}
	w.reads, w.edges, w.known = map[string][]string{}, map[string]partition.Edge{}, map[partition.Definition]partition.Space{}
	defer func() { w.reads, w.edges, w.known = nil, nil, nil }()
	wantAbove := w.naiveAbove()
	for _, st := range w.view.Statuses() {
		s := w.spec(st.Asset)
		if s.external {
			continue
		}
		for _, text := range w.texts(s) {
			one := w.setOf(w.space(s.def), text)
			var why []string
			for i := range st.Causes {
				if st.Causes[i].Partitions.Contains(one) {
					why = append(why, st.Causes[i].String())
				}
			}
			slices.Sort(why)
			if want := w.naive(s, text); !slices.Equal(why, want) {
				w.Fatalf("%s[%s] is stale because %q, want %q\nstate %+v", s.name, text, why, want, w.made[s.name][text])
			}
			if missing := st.Missing().Contains(one); missing != (w.made[s.name][text] == nil) {
				w.Fatalf("%s[%s]: missing is %v", s.name, text, missing)
			}
			if above := st.UpstreamStale.Contains(one); above != wantAbove[s.name+"/"+text] {
				w.Fatalf("%s[%s]: upstream stale is %v", s.name, text, above)
			}
		}
	}
}
