package partition

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
	"pgregory.net/rapid"
)

// The oracle of a mapping is its definition, pair by pair: needs lists what a partition
// reads, whether it exists or not.
type oracle struct {
	up, down *model
	mapping  Mapping
	// needs returns the keys that exist and that a downstream partition reads, and whether
	// it also reads something that does not exist.
	needs func(down Key) (reads []Key, lacks bool)
}

// dimNeeds is an oracle for one dimension: which texts of upstream a text reads.
type dimNeeds func(text string) (reads []string, lacks bool)

// check compares an edge with the oracle, both ways, for random sets.
func (o *oracle) check(t *rapid.T) {
	t.Helper()
	if err := o.mapping.Check(o.up.space.def, o.down.space.def); err != nil {
		t.Fatal(err)
	}
	edge := ok(o.mapping.Connect(o.up.space, o.down.space))
	reads, lacks := map[Key][]Key{}, map[Key]bool{}
	for _, key := range o.down.keys {
		reads[key], lacks[key] = o.needs(key)
	}
	set, has := o.down.drawSet(t, "down")
	needed := map[Key]bool{}
	for _, key := range o.down.keys {
		if has[key] {
			for _, read := range reads[key] {
				needed[read] = true
			}
		}
	}
	needs, lacking := edge.Upstream(set)
	o.up.requireKeys(t, o.mapping.String()+": what is read", needs, func(k Key) bool { return needed[k] })
	o.down.requireKeys(t, o.mapping.String()+": what lacks", lacking, func(k Key) bool { return has[k] && lacks[k] })
	o.explain(t, edge, lacking)

	upSet, upHas := o.up.drawSet(t, "up")
	o.down.requireKeys(t, o.mapping.String()+": who reads", edge.Downstream(upSet), func(k Key) bool {
		return slices.ContainsFunc(reads[k], func(read Key) bool { return upHas[read] })
	})
	again := ok(o.mapping.Describe().Mapping())
	if !again.Equal(o.mapping) {
		t.Fatalf("%s is described as %s", o.mapping, again)
	}
}

// explain checks that whatever lacks something is told why.
func (o *oracle) explain(t *rapid.T, edge Edge, lacking Set) {
	t.Helper()
	err := edge.Explain(lacking)
	if (err == nil) != lacking.IsEmpty() {
		t.Fatalf("%s: %s lacks something because %v", o.mapping, lacking, err)
	}
	if why := (*LackingError)(nil); errors.As(err, &why) && (why.Needs == "" || why.Partition != ok(o.down.space.First(lacking, 1))[0] || why.More != o.down.space.Count(lacking)-1) {
		t.Fatalf("%s: %#v explains %s", o.mapping, why, lacking)
	}
}

// sameText reads the text itself.
func sameText(up modelDim, lenient bool) dimNeeds {
	return func(text string) ([]string, bool) {
		if slices.Contains(up.texts, text) {
			return []string{text}, false
		}
		return nil, !lenient
	}
}

// overlapping reads what overlaps, window by window. all has the windows of upstream that
// exist and those beside them.
func overlapNeeds(up, down modelDim) dimNeeds {
	g := up.def.(*timeWindow).grid
	exists := map[civil.Time]bool{}
	for _, start := range up.starts {
		exists[start] = true
	}
	instants := func(lo, hi civil.Time, zone *time.Location) (time.Time, time.Time) {
		s, e := lo.In(zone), hi.In(zone)
		if !e.After(s) {
			e = s.Add(time.Second)
		}
		return s, e
	}
	return func(text string) (reads []string, lacks bool) {
		i := slices.Index(down.texts, text)
		s, e := instants(down.starts[i], down.ends[i], down.zone)
		const reach = 70 * civil.Day
		for u := timegrid.Ceil(g, down.starts[i]-reach); u < down.ends[i]+reach; u = g.Tick(g.Rank(u) + 1) {
			next := g.Tick(g.Rank(u) + 1)
			us, ue := instants(u, next, up.zone)
			overlaps := us.Before(e) && s.Before(ue)
			if up.zone.String() == down.zone.String() {
				overlaps = u < down.ends[i] && down.starts[i] < next
			}
			if !overlaps {
				continue
			}
			if exists[u] {
				reads = append(reads, timegrid.Write(up.def.(*timeWindow).format, u))
			} else {
				lacks = true
			}
		}
		return reads, lacks
	}
}

// offsetNeeds reads the window n later.
func offsetNeeds(up, down modelDim, n int) dimNeeds {
	g := up.def.(*timeWindow).grid
	return func(text string) ([]string, bool) {
		start := down.starts[slices.Index(down.texts, text)]
		for range max(n, -n) {
			if n > 0 {
				start = timegrid.Ceil(g, start+1)
			} else {
				start = timegrid.Floor(g, start-1)
			}
		}
		if slices.Contains(up.starts, start) {
			return []string{timegrid.Write(up.def.(*timeWindow).format, start)}, false
		}
		return nil, true
	}
}

func staticNeeds(up modelDim, reads map[string][]string) dimNeeds {
	return func(text string) (found []string, lacks bool) {
		for _, read := range reads[text] {
			if slices.Contains(up.texts, read) {
				found = append(found, read)
			} else {
				lacks = true
			}
		}
		return found, lacks
	}
}

// fixedNeeds reads the same whatever the text.
func fixedNeeds(reads []string, lacks bool) dimNeeds {
	return func(string) ([]string, bool) { return reads, lacks }
}

// single is the oracle of one dimension to one.
func single(up, down *model, m Mapping, needs dimNeeds) *oracle {
	return &oracle{up: up, down: down, mapping: m, needs: func(key Key) ([]Key, bool) {
		texts, lacks := needs(key.Values("")[0])
		keys := make([]Key, len(texts))
		for i, text := range texts {
			keys[i] = SingleKey(text)
		}
		return keys, lacks
	}}
}

// sibling draws a definition with the same windows as another and its own bounds.
func sibling(t *rapid.T, of modelDim, name string, now time.Time) modelDim {
	d := of.def.(*timeWindow)
	start := timegrid.Ceil(d.grid, d.start)
	for range rapid.IntRange(0, 3).Draw(t, "later") {
		start = timegrid.Ceil(d.grid, start+1)
	}
	end := start
	for range rapid.IntRange(1, 25).Draw(t, "windows") {
		end = timegrid.Ceil(d.grid, end+1)
	}
	var cadence Cadence
	if s, regular := d.grid.(timegrid.Steps); regular {
		cadence = Every(time.Duration(s.Step) * time.Second)
	} else {
		cadence = Cron(d.grid.(timegrid.Ticks).Expr.String())
	}
	m := modelDim{name: name, zone: of.zone, def: TimeWindow(cadence, Civil{start}, Until(Civil{end}), In(of.zone.String()), Format(d.format))}
	for at := start; at < end; at = timegrid.Ceil(d.grid, at+1) {
		if next := timegrid.Ceil(d.grid, at+1); !next.In(of.zone).After(now) {
			m.starts, m.ends, m.texts = append(m.starts, at), append(m.ends, next), append(m.texts, timegrid.Write(d.format, at))
		}
	}
	return m
}

func TestMappingsOfTimeAgainstTheirMeaning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now, tables := drawNow(t), newTables()
		down := drawWindows(t, "", now)
		up := sibling(t, down, "", now)
		m := rapid.SampledFrom([]string{"identity", "subset", "offset", "overlap", "overlap others"}).Draw(t, "mapping")
		if m == "overlap others" {
			up = drawWindows(t, "", now)
		}
		ups, downs := newModel(t, []modelDim{up}, now, tables), newModel(t, []modelDim{down}, now, tables)
		n := rapid.IntRange(-3, 3).Draw(t, "n")
		switch m {
		case "identity":
			single(ups, downs, Identity(), sameText(up, false)).check(t)
		case "subset":
			single(ups, downs, Subset(), sameText(up, true)).check(t)
		case "offset":
			single(ups, downs, TimeOffset(n), offsetNeeds(up, down, n)).check(t)
		default:
			single(ups, downs, Overlap(), overlapNeeds(up, down)).check(t)
		}
	})
}

func TestMappingsOfKeysAgainstTheirMeaning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now, upTables, downTables := drawNow(t), newTables(), newTables()
		draw := func(tables *Tables, side string) modelDim {
			if rapid.Bool().Draw(t, side+" static") {
				return drawStatic(t, "", tables)
			}
			return drawDynamic(t, "", tables)
		}
		up, down := draw(upTables, "up"), draw(downTables, "down")
		if rapid.IntRange(0, 3).Draw(t, "same") == 0 { // the same definition, with tables of its own if static
			up = down
			upTables = downTables
			if down.def.Kind() == KindStatic {
				upTables = newTables()
			}
		}
		ups, downs := newModel(t, []modelDim{up}, now, upTables), newModel(t, []modelDim{down}, now, downTables)
		if up.def.Kind() == KindDynamic && down.def.Kind() == KindDynamic {
			downs.space.tables, ups.space.tables = *upTables, *upTables
			if up.def != down.def { // one name has one table
				return
			}
		}
		switch rapid.SampledFrom([]string{"identity", "subset", "static map", "all", "specific"}).Draw(t, "mapping") {
		case "identity":
			if Identity().Check(ups.space.def, downs.space.def) == nil {
				single(ups, downs, Identity(), sameText(up, false)).check(t)
			}
		case "subset":
			if Subset().Check(ups.space.def, downs.space.def) == nil {
				single(ups, downs, Subset(), sameText(up, true)).check(t)
			}
		case "static map":
			reads := drawReads(t, up, down)
			if StaticMap(reads).Check(ups.space.def, downs.space.def) == nil {
				single(ups, downs, StaticMap(reads), staticNeeds(up, reads)).check(t)
			}
		case "all":
			single(ups, downs, AllPartitions(), fixedNeeds(up.texts, false)).check(t)
		default:
			keys := rapid.SliceOfN(rapid.SampledFrom(keyTexts), 1, 3).Draw(t, "keys")
			found, lacks := staticNeeds(up, map[string][]string{"": keys})("")
			m := Specific(SingleKey(keys...))
			if m.Check(ups.space.def, downs.space.def) != nil {
				return
			}
			if lacks {
				found = nil
			}
			single(ups, downs, m, fixedNeeds(found, lacks)).check(t)
		}
	})
}

// drawReads draws a static map between keys that are defined, or could be.
func drawReads(t *rapid.T, up, down modelDim) map[string][]string {
	pick := func(d modelDim, label string) string {
		if d.def.Kind() == KindStatic {
			return rapid.SampledFrom(d.texts).Draw(t, label)
		}
		return rapid.SampledFrom(keyTexts).Draw(t, label)
	}
	reads := map[string][]string{}
	for range rapid.IntRange(1, 4).Draw(t, "entries") {
		key := pick(down, "key")
		for range rapid.IntRange(0, 3).Draw(t, "reads") {
			reads[key] = append(reads[key], pick(up, "read"))
		}
		if reads[key] == nil {
			reads[key] = []string{}
		}
	}
	return reads
}

// product is the oracle of dimensions that follow others, each by its own oracle.
type followed struct {
	up    string
	down  string // "" for none
	needs dimNeeds
}

func productOracle(up, down *model, m Mapping, follows []followed) *oracle {
	return &oracle{up: up, down: down, mapping: m, needs: func(key Key) ([]Key, bool) {
		lacks := false
		var keys []Key
		var choose func(level int, texts []string)
		allowed := make([][]string, len(up.dims))
		for i, d := range up.dims {
			allowed[i] = d.texts
			for _, f := range follows {
				if f.up != d.name {
					continue
				}
				text := ""
				if f.down != "-" {
					text = key.Values(f.down)[0]
				}
				reads, missing := f.needs(text)
				allowed[i] = reads
				lacks = lacks || missing
			}
		}
		choose = func(level int, texts []string) {
			if level == len(up.dims) {
				keys = append(keys, up.key(texts))
				return
			}
			for _, text := range allowed[level] {
				choose(level+1, append(slices.Clone(texts), text))
			}
		}
		choose(0, nil)
		return keys, lacks
	}}
}

func TestMappingsOfProductsAgainstTheirMeaning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now, tables := drawNow(t), newTables()
		day := drawWindows(t, "day", now)
		upDay := drawWindows(t, "zday", now) // other windows under a name that sorts otherwise
		sameDay := sibling(t, day, "day", now)
		shop, region := drawDynamic(t, "shop", tables), drawStatic(t, "region", tables)
		month := drawWindows(t, "month", now)
		as := func(d modelDim, name string) modelDim { d.name = name; return d }
		world := func(dims ...modelDim) *model { return newModel(t, dims, now, tables) }
		n := rapid.IntRange(-2, 2).Draw(t, "n")
		switch rapid.IntRange(0, 11).Draw(t, "case") {
		case 0: // the same dimensions, other bounds
			productOracle(world(sameDay, shop), world(day, shop), Identity(), []followed{{"day", "day", sameText(sameDay, false)}, {"shop", "shop", sameText(shop, false)}}).check(t)
		case 1:
			productOracle(world(sameDay, shop, region), world(day, shop, region), TimeOffset(n), []followed{
				{"day", "day", offsetNeeds(sameDay, day, n)}, {"shop", "shop", sameText(shop, false)}, {"region", "region", sameText(region, false)},
			}).check(t)
		case 2: // a product reads a single one
			productOracle(world(as(sameDay, "")), world(day, shop), MultiToSingle("day", Identity()), []followed{{"", "day", sameText(sameDay, false)}}).check(t)
		case 3: // a single one reads a product
			productOracle(world(upDay, region), world(as(day, "")), MultiToSingle("zday"), []followed{{"zday", "", overlapNeeds(upDay, day)}}).check(t)
		case 4:
			tables.Static[""] = tables.Static["region"]
			productOracle(world(as(region, "")), world(day, region, shop), MultiToSingle("region"), []followed{{"", "region", sameText(region, false)}}).check(t)
		case 5: // two time dimensions crosswise: what is mapped has to be turned round
			m := MultiMap(map[string]DimensionMapping{"zday": {Dimension: "day", By: Overlap()}, "a": {Dimension: "month", By: TimeOffset(n)}})
			second := as(sibling(t, month, "a", now), "a")
			productOracle(world(upDay, second, region), world(day, month, shop), m, []followed{{"zday", "day", overlapNeeds(upDay, day)}, {"a", "month", offsetNeeds(second, month, n)}}).check(t)
		case 6:
			reads := drawReads(t, region, region)
			m := MultiMap(map[string]DimensionMapping{"region": {Dimension: "region", By: StaticMap(reads)}, "shop": {By: AllPartitions()}})
			productOracle(world(shop, region), world(day, region), m, []followed{{"region", "region", staticNeeds(region, reads)}}).check(t)
		case 7: // the dimension follows nothing
			productOracle(world(upDay, region), world(as(day, "")), MultiToSingle("region", AllPartitions()), nil).check(t)
		case 8:
			productOracle(world(as(upDay, "")), world(day, shop), MultiToSingle("shop", AllPartitions()), nil).check(t)
		case 9:
			chosen := rapid.SampledFrom(region.texts).Draw(t, "chosen")
			productOracle(world(upDay, region), world(as(day, "")), MultiToSingle("region", Specific(SingleKey(chosen))), []followed{{"region", "-", fixedNeeds([]string{chosen}, false)}}).check(t)
		case 10:
			chosen := rapid.SampledFrom(region.texts).Draw(t, "chosen")
			tables.Static[""] = tables.Static["region"]
			productOracle(world(as(region, "")), world(day, shop), MultiToSingle("day", Specific(SingleKey(chosen))), []followed{{"", "-", fixedNeeds([]string{chosen}, false)}}).check(t)
		default:
			chosen := rapid.SampledFrom(region.texts).Draw(t, "chosen")
			m := MultiMap(map[string]DimensionMapping{"region": {By: Specific(SingleKey(chosen))}, "zday": {Dimension: "day", By: Overlap()}})
			productOracle(world(upDay, region), world(day, region, shop), m, []followed{{"region", "-", fixedNeeds([]string{chosen}, false)}, {"zday", "day", overlapNeeds(upDay, day)}}).check(t)
		}
	})
}
