package graph

// components returns the strongly connected components of more than one node, and single nodes
// that wait for themselves, among the given nodes: Tarjan's algorithm (SIAM J. Comput. 1(2), 1972),
// with a stack of its own so that a long chain does not exhaust the goroutine's.
func components(ups edges, among []int32) [][]int32 {
	t := tarjan{ups: ups, index: make([]int32, len(ups.start)-1), low: make([]int32, len(ups.start)-1), on: make([]bool, len(ups.start)-1)}
	for _, i := range among {
		if t.index[i] == 0 {
			t.walk(i)
		}
	}
	return t.found
}

type tarjan struct {
	ups        edges
	index, low []int32 // 0: not seen yet
	on         []bool
	stack      []int32
	count      int32
	found      [][]int32
}

type frame struct {
	node int32
	next int
}

func (t *tarjan) enter(i int32) frame {
	t.count++
	t.index[i], t.low[i], t.on[i] = t.count, t.count, true
	t.stack = append(t.stack, i)
	return frame{node: i}
}

func (t *tarjan) walk(root int32) {
	calls := []frame{t.enter(root)}
	for len(calls) > 0 {
		f := &calls[len(calls)-1]
		if next := t.ups.of(f.node); f.next < len(next) {
			u := next[f.next]
			f.next++
			switch {
			case t.index[u] == 0:
				calls = append(calls, t.enter(u))
			case t.on[u]:
				t.low[f.node] = min(t.low[f.node], t.index[u])
			}
			continue
		}
		done := f.node
		calls = calls[:len(calls)-1]
		if len(calls) > 0 {
			parent := calls[len(calls)-1].node
			t.low[parent] = min(t.low[parent], t.low[done])
		}
		if t.low[done] == t.index[done] {
			t.leave(done)
		}
	}
}

// leave takes the component of root off the stack.
func (t *tarjan) leave(root int32) {
	var comp []int32
	self := false
	for {
		i := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.on[i] = false
		comp = append(comp, i)
		if i == root {
			break
		}
	}
	for _, u := range t.ups.of(root) {
		self = self || u == root
	}
	if len(comp) > 1 || self {
		t.found = append(t.found, comp)
	}
}
