package subprocess

import (
	"context"
	"fmt"
	"iter"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// A child opens no store: it asks its parent. A new reading call of [storage.Reader] costs a line
// in the list of methods, a line below it, and nothing else; a test fails where one is missing.

// method is one reading call of storage that takes one argument.
type method[A, R any] struct {
	name string
	call func(storage.Reader, context.Context, A) (R, error)
}

// none is the argument of a call that takes none.
type none struct{}

// The methods.
var (
	getRun          = method[string, storage.RunRecord]{"GetRun", storage.Reader.GetRun}
	listRuns        = method[storage.RunQuery, []storage.RunRecord]{"ListRuns", storage.Reader.ListRuns}
	listEvents      = method[storage.EventQuery, []storage.Event]{"ListEvents", storage.Reader.ListEvents}
	listAssetEvents = method[storage.AssetEventQuery, []storage.Event]{"ListAssetEvents", storage.Reader.ListAssetEvents}
	assetKeys       = method[[]string, []storage.AssetKey]{"AssetKeys", storage.Reader.AssetKeys}
	getAsset        = method[string, storage.AssetRecord]{"GetAsset", storage.Reader.GetAsset}
	listAssets      = method[storage.AssetQuery, []storage.AssetRecord]{"ListAssets", storage.Reader.ListAssets}
	partitionSets   = method[[]storage.AssetKey, []storage.PartitionSets]{"PartitionSets", storage.Reader.PartitionSets}
	listPartitions  = method[storage.PartitionQuery, []storage.PartitionState]{"ListPartitions", storage.Reader.ListPartitions}
	listGroups      = method[groupsOf, []storage.PartitionGroup]{"ListPartitionGroups", listPartitionGroups}
	getKeyTable     = method[string, storage.KeyTable]{"GetKeyTable", storage.Reader.GetKeyTable}
	lookUpKeys      = method[storage.KeyQuery, keysFound]{"LookUpKeys", lookUp}
	listChanges     = method[storage.ChangeQuery, []storage.Change]{"ListChanges", storage.Reader.ListChanges}
	changeSeq       = method[none, int64]{"ChangeSeq", without(storage.Reader.ChangeSeq)}
	getBackfill     = method[string, storage.BackfillRecord]{"GetBackfill", storage.Reader.GetBackfill}
	listBackfills   = method[storage.BackfillQuery, []storage.BackfillRecord]{"ListBackfills", storage.Reader.ListBackfills}
	listLogs        = method[storage.LogQuery, []storage.LogLine]{"ListLogs", storage.Reader.ListLogs}
	getKV           = method[string, []byte]{"GetKV", storage.Reader.GetKV}
	listKV          = method[string, []storage.KVPair]{"ListKV", storage.Reader.ListKV}
	getTopology     = method[string, storage.Topology]{"GetTopology", storage.Reader.GetTopology}
	listTopologies  = method[none, []storage.Topology]{"ListTopologies", without(storage.Reader.ListTopologies)}
	listPools       = method[none, []storage.PoolRecord]{"ListPools", without(storage.Reader.ListPools)}
	listSlots       = method[storage.SlotQuery, []storage.SlotRecord]{"ListSlots", storage.Reader.ListSlots}
	watch           = signals{"Watch", storage.Reader.Watch}
)

// answerer does a method in the parent: it yields the answers, encoded.
type answerer interface {
	answers(ctx context.Context, from storage.Reader, args []byte) iter.Seq2[[]byte, error]
	// goesOn means that there may be several answers, and that the end of them is told by one more.
	goesOn() bool
}

func (method[A, R]) goesOn() bool { return false }
func (signals) goesOn() bool      { return true }

// methods finds them by name.
func methods() map[string]answerer {
	return map[string]answerer{
		getRun.name: getRun, listRuns.name: listRuns, listEvents.name: listEvents, listAssetEvents.name: listAssetEvents,
		assetKeys.name: assetKeys, getAsset.name: getAsset, listAssets.name: listAssets, listLogs.name: listLogs,
		partitionSets.name: partitionSets, listPartitions.name: listPartitions, listGroups.name: listGroups,
		getKeyTable.name: getKeyTable, lookUpKeys.name: lookUpKeys, listChanges.name: listChanges,
		changeSeq.name:   changeSeq,
		getBackfill.name: getBackfill, listBackfills.name: listBackfills,
		getKV.name: getKV, listKV.name: listKV, getTopology.name: getTopology, listTopologies.name: listTopologies,
		listPools.name: listPools, listSlots.name: listSlots, watch.name: watch,
	}
}

// without makes a call with an argument of one that takes none.
func without[R any](call func(storage.Reader, context.Context) (R, error)) func(storage.Reader, context.Context, none) (R, error) {
	return func(r storage.Reader, ctx context.Context, _ none) (R, error) { return call(r, ctx) }
}

// groupsOf has the arguments of a call that takes two.
type groupsOf struct {
	Asset storage.AssetKey
	Kind  storage.StateKind
}

func listPartitionGroups(r storage.Reader, ctx context.Context, of groupsOf) ([]storage.PartitionGroup, error) { //nolint:revive // as a method expression has them
	return r.ListPartitionGroups(ctx, of.Asset, of.Kind)
}

// keysFound has the results of a call that gives two.
type keysFound struct {
	Ordinals []partition.Ordinal
	Keys     []string
}

func lookUp(r storage.Reader, ctx context.Context, q storage.KeyQuery) (f keysFound, err error) { //nolint:revive // as a method expression has them
	f.Ordinals, f.Keys, err = r.LookUpKeys(ctx, q)
	return f, err
}

// answers does the call in the parent: there is one answer.
func (m method[A, R]) answers(ctx context.Context, from storage.Reader, args []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var a A
		if err := decode(args, &a); err != nil {
			yield(nil, fmt.Errorf("%s: %w", m.name, err))
			return
		}
		r, err := m.call(from, ctx, a)
		var b []byte
		if err == nil {
			b, err = encode(nil, r)
		}
		yield(b, err)
	}
}

// ask does the call in the child.
func (m method[A, R]) ask(ctx context.Context, s *session, a A) (r R, err error) {
	args, err := encode(nil, a)
	if err != nil {
		return r, err
	}
	answers, err := s.call(ctx, m.name, args)
	if err != nil {
		return r, fmt.Errorf("asking storage (%s): %w", m.name, err)
	}
	select {
	case got := <-answers:
		if err := got.Fault.err(); err != nil {
			return r, err
		}
		err = decode(got.Result, &r)
		return r, err
	case <-ctx.Done():
		return r, ctx.Err()
	}
}

// signals is the call whose answers go on until the caller has enough.
type signals struct {
	name string
	call func(storage.Reader, context.Context, storage.Topic) <-chan struct{}
}

func (m signals) answers(ctx context.Context, from storage.Reader, args []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var topics storage.Topic
		if err := decode(args, &topics); err != nil {
			yield(nil, fmt.Errorf("%s: %w", m.name, err))
			return
		}
		for range m.call(from, ctx, topics) {
			if !yield(nil, nil) {
				return
			}
		}
	}
}

func (m signals) ask(ctx context.Context, s *session, topics storage.Topic) <-chan struct{} {
	out := make(chan struct{}, 1)
	args, err := encode(nil, topics)
	if err != nil {
		close(out)
		return out
	}
	answers, err := s.call(ctx, m.name, args)
	if err != nil {
		close(out)
		return out
	}
	go func() {
		defer close(out)
		for {
			select {
			case got := <-answers:
				if !got.More {
					return
				}
			case <-ctx.Done():
				return
			}
			select {
			case out <- struct{}{}:
			default: // one is waiting to be read, which means the same
			}
		}
	}()
	return out
}

// remoteReader is the storage of a child.
type remoteReader struct{ s *session }

var _ storage.Reader = remoteReader{}

func (r remoteReader) GetRun(ctx context.Context, id string) (storage.RunRecord, error) {
	return getRun.ask(ctx, r.s, id)
}

func (r remoteReader) ListRuns(ctx context.Context, q storage.RunQuery) ([]storage.RunRecord, error) {
	return listRuns.ask(ctx, r.s, q)
}

func (r remoteReader) ListEvents(ctx context.Context, q storage.EventQuery) ([]storage.Event, error) {
	return listEvents.ask(ctx, r.s, q)
}

func (r remoteReader) ListAssetEvents(ctx context.Context, q storage.AssetEventQuery) ([]storage.Event, error) {
	return listAssetEvents.ask(ctx, r.s, q)
}

func (r remoteReader) AssetKeys(ctx context.Context, names []string) ([]storage.AssetKey, error) {
	return assetKeys.ask(ctx, r.s, names)
}

func (r remoteReader) GetAsset(ctx context.Context, name string) (storage.AssetRecord, error) {
	return getAsset.ask(ctx, r.s, name)
}

func (r remoteReader) ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	return listAssets.ask(ctx, r.s, q)
}

func (r remoteReader) ListLogs(ctx context.Context, q storage.LogQuery) ([]storage.LogLine, error) {
	return listLogs.ask(ctx, r.s, q)
}

func (r remoteReader) GetKV(ctx context.Context, key string) ([]byte, error) {
	return getKV.ask(ctx, r.s, key)
}

func (r remoteReader) ListKV(ctx context.Context, prefix string) ([]storage.KVPair, error) {
	return listKV.ask(ctx, r.s, prefix)
}

func (r remoteReader) GetTopology(ctx context.Context, location string) (storage.Topology, error) {
	return getTopology.ask(ctx, r.s, location)
}

func (r remoteReader) ListTopologies(ctx context.Context) ([]storage.Topology, error) {
	return listTopologies.ask(ctx, r.s, none{})
}

func (r remoteReader) ListPools(ctx context.Context) ([]storage.PoolRecord, error) {
	return listPools.ask(ctx, r.s, none{})
}

func (r remoteReader) ListSlots(ctx context.Context, q storage.SlotQuery) ([]storage.SlotRecord, error) {
	return listSlots.ask(ctx, r.s, q)
}

func (r remoteReader) Watch(ctx context.Context, topics storage.Topic) <-chan struct{} {
	return watch.ask(ctx, r.s, topics)
}

func (r remoteReader) PartitionSets(ctx context.Context, assets []storage.AssetKey) ([]storage.PartitionSets, error) {
	return partitionSets.ask(ctx, r.s, assets)
}

func (r remoteReader) ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error) {
	return listPartitions.ask(ctx, r.s, q)
}

func (r remoteReader) ListPartitionGroups(ctx context.Context, asset storage.AssetKey, kind storage.StateKind) ([]storage.PartitionGroup, error) {
	return listGroups.ask(ctx, r.s, groupsOf{asset, kind})
}

func (r remoteReader) GetKeyTable(ctx context.Context, name string) (storage.KeyTable, error) {
	return getKeyTable.ask(ctx, r.s, name)
}

func (r remoteReader) LookUpKeys(ctx context.Context, q storage.KeyQuery) ([]partition.Ordinal, []string, error) {
	f, err := lookUpKeys.ask(ctx, r.s, q)
	return f.Ordinals, f.Keys, err
}

func (r remoteReader) ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error) {
	return listChanges.ask(ctx, r.s, q)
}

func (r remoteReader) ChangeSeq(ctx context.Context) (int64, error) {
	return changeSeq.ask(ctx, r.s, none{})
}

func (r remoteReader) GetBackfill(ctx context.Context, id string) (storage.BackfillRecord, error) {
	return getBackfill.ask(ctx, r.s, id)
}

func (r remoteReader) ListBackfills(ctx context.Context, q storage.BackfillQuery) ([]storage.BackfillRecord, error) {
	return listBackfills.ask(ctx, r.s, q)
}
