package sets

// Step produces one axis of the result of Image. To maps an interval of the next axis of the source
// to sorted segments. With To nil, the axis has the labels of Only and consumes no source axis.
type Step struct {
	To   func(lo, hi int64) []Seg
	Only *Node
}

// Image maps a set to a set over other axes, one step per axis of the result. The axes of n must be
// in the order in which the steps consume them; see Arrange.
func Image(n *Node, axes []Axis, steps []Step) *Node {
	i := imager{axes: axes, steps: steps, done: map[imaged]*Node{}}
	return i.level(n, 0)
}

// imager maps a set axis by axis. It maps each nested set once.
type imager struct {
	axes  []Axis // of the result
	steps []Step
	done  map[imaged]*Node
}

type imaged struct {
	n     *Node
	level int
}

func (i *imager) level(n *Node, level int) *Node {
	if n == nil || level == len(i.steps) {
		return n
	}
	key := imaged{n, level}
	if known, ok := i.done[key]; ok {
		return known
	}
	var made *Node
	if step := i.steps[level]; step.To == nil {
		made = Nest(step.Only, i.level(n, level+1))
	} else {
		made = i.follow(n, level, step.To)
	}
	i.done[key] = made
	return made
}

// follow maps an axis by its relation. Images of segments may overlap, as those of two days of one
// week do. Those that do not are collected into one line.
func (i *imager) follow(n *Node, level int, to func(lo, hi int64) []Seg) *Node {
	var parts []*Node
	var flow []Seg
	flush := func() {
		if part := Line(flow, i.axes[level].Scale()); part != nil {
			parts = append(parts, part)
		}
		flow = nil
	}
	for s := range n.Pieces() {
		sub := i.level(s.Sub, level+1)
		if sub == nil {
			continue
		}
		for _, t := range to(s.Lo, s.Hi) {
			if k := len(flow); k > 0 && t.Lo < flow[k-1].Hi {
				if last := &flow[k-1]; last.Sub == sub && t.Lo >= last.Lo {
					last.Hi = max(last.Hi, t.Hi)
					continue
				}
				flush()
			}
			flow = append(flow, Seg{t.Lo, t.Hi, sub})
		}
	}
	flush()
	return Unite(parts, i.axes[level:])
}
