package plantest

import (
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
)

// partitionDefinitions are how something may be partitioned in the notation.
type partitionDefinitions struct{ days, halves partition.Definition }

func newPartitionDefinitions() partitionDefinitions {
	return partitionDefinitions{days: partition.Static("mon", "tue", "wed", "thu", "fri", "sat"), halves: partition.Static("early", "late")}
}

// halfOf is what each half of a week reads of its days.
var halfOf = partition.StaticMap(map[string][]string{"early": {"mon", "tue", "wed"}, "late": {"thu", "fri", "sat"}})

// connect describes how inputs read something partitioned, or for something partitioned: the same
// partition, the days of a half, or all.
func (r *reader) connect() {
	def := func(name string) partition.Definition { return r.nodes[r.at[name]].Partitions }
	for i := range r.nodes {
		n := &r.nodes[i]
		for k := range n.Inputs {
			in := &n.Inputs[k]
			if _, known := r.at[in.From]; !known || in.Mode == graph.Self {
				continue
			}
			up, down := def(in.From), n.Partitions
			if up == nil && down == nil {
				continue
			}
			in.Parts = &graph.Parts{Mapping: partition.AllPartitions(), Multiple: func(p graph.PartitionLoader) any { return p }}
			switch {
			case up == nil || down == nil:
			case up == down:
				in.Parts.Mapping = partition.Identity()
			case up == r.days:
				in.Parts.Mapping = halfOf
			}
		}
	}
}

// Assign takes the partitions that texts name, in the steps that are partitioned by days; of those
// that are partitioned by halves it is of all. No text is all days.
func Assign(p *plan.Plan, days string) (*plan.Assignment, error) {
	d := plan.NewPartitioning(p, time.Unix(0, 0), func(partition.Definition) (partition.Tables, error) { return partition.Tables{}, nil })
	return d.Assign(func(space partition.Space) (partition.Set, error) {
		if ok, err := space.Contains(partition.SingleKey("early")); ok || days == "" {
			return space.All(), err
		}
		return space.Select(days)
	})
}

// Keys reads keys of partitions of a step, as "mon..wed,sat"; nothing is all of them.
func Keys(c *plan.Assignment, p *plan.Plan, s int32, text string) (partition.Set, error) {
	space, err := c.Space(p.Graph.Node(p.Steps[s].Node).Partitions)
	if err != nil || text == "" {
		return space.All(), err
	}
	return space.Select(text)
}

// Describe reports which partitions of a step a set is, as "mon..wed,sat".
func Describe(c *plan.Assignment, p *plan.Plan, s int32, set partition.Set) (string, error) {
	space, err := c.Space(p.Graph.Node(p.Steps[s].Node).Partitions)
	if err != nil {
		return "", err
	}
	words := ""
	for text, err := range space.Texts(set) {
		if err != nil {
			return "", err
		}
		if words != "" {
			words += ","
		}
		words += text
	}
	return words, nil
}
