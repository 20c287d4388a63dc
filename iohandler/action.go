package iohandler

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/metadata"
)

// Actor is implemented by handlers that can do more to a stored value than write and load it:
// delete it, list its objects, compact it. Its actions are those of every asset that the handler
// stores, unless the asset has one of the same name. Actions must return the same each time.
type Actor interface {
	Actions() []Action
}

// Action is something that a handler does to a stored value when a person asks for it.
type Action struct {
	ActionSpec

	// Do does it to the value that out names, of the partition that it names, if any; what it adds to
	// out as metadata is recorded.
	Do func(ctx context.Context, out *OutputContext) (ActionResult, error)
}

// ActionSpec describes an action beside its function. Only Name is required.
type ActionSpec struct {
	// Name is what the action is called; each of an asset has another.
	Name string
	// Description is for people.
	Description string
	// Effect is what it may do to the state of the asset.
	Effect Effect
	// Exclusive has it run alone: nothing else works on the asset meanwhile, in any process. Otherwise
	// it shares the asset.
	Exclusive bool
	// Order is in which order related assets come.
	Order ActionOrder
	// Partitioning tells whether the action runs on partitions of a partitioned asset.
	Partitioning ActionPartitioning
}

// ActionResult is what an action did.
type ActionResult struct {
	// Did is what it did to the state of the asset: nothing, or what its spec declares.
	Did Effect
	// DataVersion names the content, where it was made anew or observed; empty takes a new one.
	DataVersion string
	// SameData reports that the new value has the same content as before, such as a file that was only
	// written in another way: its data version stays, and nothing downstream becomes stale.
	SameData bool
	// Metadata is recorded with it; plain Go values convert, see [metadata.Of].
	Metadata metadata.Map
}

// Effect is what an action does to the state of its asset. The zero value is nothing.
type Effect uint8

// The effects.
const (
	// ChangesNothing leaves what is known of the asset as it is.
	ChangesNothing Effect = iota
	// MayMaterialize makes its value anew.
	MayMaterialize
	// Forgets makes the asset, or the partition, missing.
	Forgets
	// Observes records what was seen of it.
	Observes
)

var effectWords = [...]string{"changes_nothing", "may_materialize", "forgets", "observes"}

// String returns the word of the effect, such as "may_materialize".
func (e Effect) String() string { return word(effectWords[:], uint8(e), "effect") }

// ActionOrder is the order in which an action runs on related assets. The zero value is any.
type ActionOrder uint8

// The orders.
const (
	// AnyOrder does them side by side.
	AnyOrder ActionOrder = iota
	// UpstreamFirst does what an asset reads before the asset.
	UpstreamFirst
	// DownstreamFirst does what reads an asset before the asset.
	DownstreamFirst
)

var orderWords = [...]string{"any", "upstream_first", "downstream_first"}

// String returns the word of the order, such as "upstream_first".
func (o ActionOrder) String() string { return word(orderWords[:], uint8(o), "action_order") }

// ActionPartitioning tells how an action treats partitions. The zero value takes them where they
// are given.
type ActionPartitioning uint8

// How actions are about partitions.
const (
	// PartitionOptional is about the partitions that are given, else about the asset as a whole.
	PartitionOptional ActionPartitioning = iota
	// PartitionRequired wants partitions, and so an asset that has some.
	PartitionRequired
	// PartitionRefused is about the asset as a whole.
	PartitionRefused
)

var partitioningWords = [...]string{"optional", "required", "refused"}

// String returns the word, such as "required".
func (p ActionPartitioning) String() string {
	return word(partitioningWords[:], uint8(p), "action_partitioning")
}

func word(words []string, n uint8, kind string) string {
	if int(n) < len(words) {
		return words[n]
	}
	return fmt.Sprintf("%s(%d)", kind, n)
}

// Faults returns the mistakes of a spec except its name, one sentence each.
func (s *ActionSpec) Faults() []string {
	var faults []string
	if int(s.Effect) >= len(effectWords) {
		faults = append(faults, fmt.Sprintf("the effect %s is none: give one of %v", s.Effect, effectWords))
	}
	if int(s.Order) >= len(orderWords) {
		faults = append(faults, fmt.Sprintf("the order %s is none: give one of %v", s.Order, orderWords))
	}
	if int(s.Partitioning) >= len(partitioningWords) {
		faults = append(faults, fmt.Sprintf("the partitioning %s is none: give one of %v", s.Partitioning, partitioningWords))
	}
	return faults
}

// Check is nil for a result that the spec allows.
func (s *ActionSpec) Check(r *ActionResult) error {
	if r.Did == ChangesNothing || r.Did == s.Effect {
		return nil
	}
	return fmt.Errorf("action %q returned effect %s, but declares %s: declare that effect or return another result", s.Name, r.Did, s.Effect)
}
