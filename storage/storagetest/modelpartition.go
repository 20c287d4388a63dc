package storagetest

import (
	"fmt"
	"strconv"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"pgregory.net/rapid"
)

// planTarget and planState are a target and an update of a state before they know keys.
type planTarget struct {
	asset   int
	numbers []int
}

type planState struct {
	asset   int
	kind    storage.StateKind
	numbers []int // nil: the asset as a whole
	group   bool
	n       int64
}

var modelTables = []string{"", "tenants"}

// drawNumbers draws partitions from a small space.
func drawNumbers(t *rapid.T, least int, what string) []int {
	return rapid.SliceOfNDistinct(rapid.IntRange(0, 7), least, 5, rapid.ID[int]).Draw(t, what)
}

func drawTargets(t *rapid.T, what string) []planTarget {
	if rapid.IntRange(0, 2).Draw(t, what) > 0 {
		return nil
	}
	var targets []planTarget
	for range rapid.IntRange(1, 3).Draw(t, "number of targets") {
		targets = append(targets, planTarget{rapid.IntRange(0, len(modelAssets)-1).Draw(t, "target"), drawNumbers(t, 0, "in flight")})
	}
	return targets
}

// drawStates adds updates of states that no event tells of.
func (pl *plan) drawStates(t *rapid.T) {
	if pl.run < 0 && pl.later {
		return
	}
	for range rapid.IntRange(0, 5).Draw(t, "states") {
		st := planState{
			asset: rapid.IntRange(0, len(modelAssets)-1).Draw(t, "asset"), kind: storage.StateKind(rapid.IntRange(0, storage.StateKinds-1).Draw(t, "kind")),
			n: rapid.Int64Range(1, 1000).Draw(t, "n"),
		}
		switch rapid.IntRange(0, 5).Draw(t, "of") {
		case 0:
		case 1, 2:
			st.numbers, st.group = drawNumbers(t, 1, "group"), true
		default:
			st.numbers = []int{rapid.IntRange(0, 7).Draw(t, "single")}
		}
		pl.states = append(pl.states, st)
	}
}

// drawKeys adds a change of a table of keys.
func (pl *plan) drawKeys(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "keys") > 0 {
		return
	}
	texts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 0, 4)
	u := storage.KeyUpdate{Table: rapid.SampledFrom(modelTables).Draw(t, "table"), Add: texts.Draw(t, "add")}
	if u.Table != "" {
		u.Remove = texts.Draw(t, "remove")
	}
	pl.keys = append(pl.keys, u)
}

func (p *pair) targetsOf(store int, plans []planTarget) []storage.Target {
	var targets []storage.Target
	for _, one := range plans {
		targets = append(targets, storage.Target{Asset: p.assets[store][one.asset], Partitions: keysOf(one.numbers...)})
	}
	return targets
}

func (p *pair) stateOf(store, run int, st planState) storage.AssetUpdate {
	u := storage.AssetUpdate{
		Asset: p.assets[store][st.asset], Kind: st.kind, Partitions: keysOf(st.numbers...), N: st.n, At: storage.Micros(st.n), DataVersion: fmt.Sprint("s", st.n),
	}
	if run >= 0 {
		u.Run = p.runs[store][run]
	}
	if len(st.numbers) == 1 && !st.group {
		u.Partition = strconv.Itoa(st.numbers[0])
	}
	return u
}

// partitionAnswers asks one store everything about partitions, keys and changes.
func (p *pair) partitionAnswers(t *rapid.T, store int, numberOf map[storage.RunKey]storage.RunKey, all map[string]any) {
	s := p.stores[store]
	sets, err := s.PartitionSets(p.ctx, p.assets[store])
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range sets {
		all["sets of "+modelAssets[i]] = fmt.Sprint(setText(one.Materialized), setText(one.Failed), setText(one.InFlight))
		for kind := range storage.StateKind(storage.StateKinds) {
			what := fmt.Sprintf("%s %s ", modelAssets[i], kind)
			all[what+"singles"], all[what+"groups"] = p.statesOf(t, store, storage.PartitionQuery{Asset: one.Asset, Kind: kind}, numberOf)
		}
	}
	for _, name := range modelTables {
		table, err := s.GetKeyTable(p.ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		ordinals, _, err := s.LookUpKeys(p.ctx, storage.KeyQuery{Table: name, Keys: []string{"f", "e", "d", "c", "b", "a"}})
		all["keys "+name] = fmt.Sprint(table.Size, setText(table.Live), ordinals, err)
	}
	all["changes"] = p.changesOf(t, store, numberOf)
}

func (p *pair) statesOf(t *rapid.T, store int, q storage.PartitionQuery, numberOf map[storage.RunKey]storage.RunKey) (singles, groups []string) {
	s := p.stores[store]
	list, err := s.ListPartitions(p.ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		one.Seq, one.Run = 0, numberOf[one.Run]
		singles = append(singles, fmt.Sprintf("%+v", one.AssetState))
	}
	many, err := s.ListPartitionGroups(p.ctx, q.Asset, q.Kind)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range many {
		one.Seq, one.Run = 0, numberOf[one.Run]
		groups = append(groups, fmt.Sprintf("%s %+v", setText(one.Partitions), one.AssetState))
	}
	return singles, groups
}

// changesOf is what the feed tells, whatever batches were written together: for each kind, run and
// asset the partitions.
func (p *pair) changesOf(t *rapid.T, store int, numberOf map[storage.RunKey]storage.RunKey) map[string]string {
	list, err := p.stores[store].ListChanges(p.ctx, storage.ChangeQuery{})
	if err != nil {
		t.Fatal(err)
	}
	nameOf := map[storage.AssetKey]string{}
	for i, key := range p.assets[store] {
		nameOf[key] = modelAssets[i]
	}
	sets := map[string]partition.Set{}
	for _, c := range list {
		names := []string{"table " + c.Keys}
		if c.Kind != storage.ChangeKeys {
			names = names[:0]
		}
		for _, key := range c.Assets {
			names = append(names, nameOf[key])
		}
		for _, name := range names {
			what := fmt.Sprint(c.Kind, numberOf[c.Run], name)
			sets[what] = sets[what].Union(c.Partitions)
		}
	}
	texts := map[string]string{}
	for what, set := range sets {
		texts[what] = setText(set)
	}
	return texts
}
