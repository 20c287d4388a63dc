package staleness_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/internal/plan/plantest"
	"github.com/rivers-go/rivers/internal/staleness"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

var update = flag.Bool("update", false, "write the answers of the scripts as they are now")

// The scripts in testdata are the rules as cases: a title, what happened, and the status of all assets after it. Their first file
// explains the words. What they answer is also compared with the model.
func TestScripts(t *testing.T) {
	plantest.Run(t, "testdata/*.txt", *update, func(t *testing.T) func(plantest.Block) string {
		var s *script
		return func(b plantest.Block) string {
			if s == nil || !strings.HasPrefix(b.Command, "then ") {
				s = &script{world: newWorld(t), open: map[string]*step{}, runs: map[string]storage.Fence{}, times: map[string]int{}}
			}
			for line := range strings.Lines(b.Input) {
				if err := s.happens(strings.Fields(line)); err != nil {
					t.Fatalf("%q, %q: %v", b.Command, strings.TrimSpace(line), err)
				}
			}
			s.settle()
			s.check()
			return s.statuses()
		}
	})
}

// script is a world to which things happen line by line.
type script struct {
	*world

	defined []spec // that the world does not have yet
	open    map[string]*step
	runs    map[string]storage.Fence
	times   map[string]int // an asset was made, for its versions
}

// words are what the scripts call definitions and mappings.
func words() (map[string]partition.Definition, map[string]partition.Mapping) {
	definitions := map[string]partition.Definition{
		"letters": definitions[1], "some_letters": definitions[2], "days": definitions[3], "weeks": definitions[4], "tenants": definitions[5],
		"days_and_letters": definitions[6],
	}
	known := map[string]partition.Mapping{"": {}}
	for _, m := range append(mappings, ownMappings...) {
		known[m.String()] = m
	}
	return definitions, known
}

// settle defines what was said to be defined.
func (s *script) settle() {
	if s.defined != nil {
		s.redefined(s.defined)
		s.defined = nil
	}
}

// happens does what a line says.
func (s *script) happens(line []string) error {
	verb, args := line[0], line[1:]
	if verb == "asset" || verb == "external" {
		return s.defines(verb == "external", args)
	}
	s.settle()
	switch verb {
	case "make", "begin", "end", "mark", "wipe":
		return s.lands(verb, args)
	case "add", "remove":
		u := storage.KeyUpdate{Table: "tenants", Add: args}
		if verb == "remove" {
			u = storage.KeyUpdate{Table: "tenants", Remove: args}
		}
		s.commit(&storage.Batch{Keys: []storage.KeyUpdate{u}})
	case "tomorrow":
		s.now = s.now.AddDate(0, 0, 1)
	default:
		return fmt.Errorf("%q: want asset, external, make, begin, end, mark, wipe, add, remove or tomorrow", verb)
	}
	return nil
}

// defines reads: NAME [of DEFINITION] [code VERSION] [reads ASSET [by MAPPING], …].
func (s *script) defines(external bool, args []string) error {
	definitions, mappings := words()
	one := spec{name: args[0], external: external}
	text, reads, _ := strings.Cut(strings.Join(args[1:], " "), "reads ")
	settings := strings.Fields(text)
	for i := 0; i+1 < len(settings); i += 2 {
		switch settings[i] {
		case "of":
			if one.def = definitions[settings[i+1]]; one.def == nil {
				return fmt.Errorf("%q: no such definition", settings[i+1])
			}
		case "code":
			one.code = settings[i+1]
		default:
			return fmt.Errorf("%q: want of, code or reads", settings[i])
		}
	}
	for text := range strings.SplitSeq(reads, ", ") {
		if text == "" {
			continue
		}
		on, by, _ := strings.Cut(text, " by ")
		m, known := mappings[by]
		if !known {
			return fmt.Errorf("%q: no such mapping", by)
		}
		one.reads = append(one.reads, dep{on: on, by: m})
	}
	if s.defined == nil {
		s.defined = append(s.defined, s.specs...)
	}
	for i := range s.defined {
		if s.defined[i].name == one.name {
			s.defined[i] = one
			return nil
		}
	}
	s.defined = append(s.defined, one)
	return nil
}

// lands reads: VERB NAME[@PARTITIONS] [as VERSION] [in RUN] [together].
func (s *script) lands(verb string, args []string) error {
	name, keys, _ := strings.Cut(args[0], "@")
	one := s.spec(name)
	if one == nil {
		return fmt.Errorf("%q: no asset of that name", name)
	}
	s.times[name]++
	version, run, together := fmt.Sprint(name, s.times[name]), fmt.Sprint(verb, s.n), false
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "as":
			i++
			version = args[i]
		case "in":
			i++
			run = args[i]
		case "together":
			together = true
		default:
			return fmt.Errorf("%q: want as, in or together", args[i])
		}
	}
	texts, err := s.selects(one, keys)
	if err != nil {
		return err
	}
	if _, known := s.runs[run]; !known {
		s.runs[run] = s.run()
	}
	switch verb {
	case "make":
		s.end(s.begin(s.runs[run], name, together, texts...), version)
	case "begin":
		s.open[name] = s.begin(s.runs[run], name, together, texts...)
	case "end":
		s.end(s.open[name], version)
	case "mark":
		return s.marks(one, s.runs[run], texts, version)
	case "wipe":
		s.wipe(name, texts...)
	}
	return nil
}

// selects returns the keys that a text selects of an asset, all without one.
func (s *script) selects(one *spec, text string) ([]string, error) {
	if text == "" {
		return s.texts(one), nil
	}
	space := s.space(one.def)
	set, err := space.Select(text)
	if err != nil {
		return nil, err
	}
	return s.textsOf(space, set), nil
}

// marks records that partitions were made elsewhere, of what there is.
func (s *script) marks(one *spec, fence storage.Fence, texts []string, version string) error {
	if err := s.view.Update(s.ctx, s.now); err != nil {
		return err
	}
	space := s.space(one.def)
	inputs, err := s.view.Inputs(s.ctx, one.name, s.setOf(space, texts...))
	if err != nil {
		return err
	}
	st := s.begin(fence, one.name, len(texts) > 1, texts...)
	s.land(st, space, texts, version, inputs)
	return nil
}

// statuses says how all assets are.
func (s *script) statuses() string {
	var b strings.Builder
	for _, st := range s.view.Statuses() {
		if st.Space.Definition() == nil {
			s.writeWhole(&b, &st)
		} else {
			s.writeParts(&b, &st)
		}
	}
	return b.String()
}

// writeWhole writes one word for an asset without partitions, and a line for each cause.
func (s *script) writeWhole(b *strings.Builder, st *staleness.Status) {
	word := "fresh"
	switch {
	case st.External:
		word = "external"
	case st.Made.IsEmpty():
		word = "missing"
	case !st.Stale.IsEmpty():
		word = "stale"
	}
	fmt.Fprintf(b, "%s: %s\n", st.Asset, word)
	for i := range st.Causes {
		fmt.Fprintf(b, "    %s%s\n", &st.Causes[i], versions(&st.Causes[i]))
	}
	if !st.UpstreamStale.IsEmpty() {
		b.WriteString("    upstream stale\n")
	}
}

func versions(c *staleness.Cause) string {
	if c.Recorded == "" && c.Current == "" {
		return ""
	}
	return fmt.Sprintf(" (%q, now %q)", c.Recorded, c.Current)
}

// writeParts writes how many partitions of an asset are what, and which are stale for which cause.
func (s *script) writeParts(b *strings.Builder, st *staleness.Status) {
	fresh := st.Made.Minus(st.Stale)
	var counts []string
	for _, of := range []struct {
		word string
		set  partition.Set
	}{{"fresh", fresh}, {"stale", st.Stale}, {"missing", st.Missing()}} {
		if n := st.Space.Count(of.set); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, of.word))
		}
	}
	if st.Space.Len() == 0 {
		counts = []string{"no partitions"}
	}
	fmt.Fprintf(b, "%s: %s\n", st.Asset, strings.Join(counts, ", "))
	said := func(c *staleness.Cause) string {
		if c.Kind == staleness.Data && c.Current != "" { // each may have recorded another
			return fmt.Sprintf("%s (now %q)", c, c.Current)
		}
		return c.String() + versions(c)
	}
	line := func(set partition.Set, words string) {
		if set.IsEmpty() {
			return
		}
		var texts []string
		for text, err := range st.Space.Texts(set) {
			if err != nil {
				s.Fatal(err)
			}
			texts = append(texts, text)
		}
		fmt.Fprintf(b, "    %s: %s\n", strings.Join(texts, " and "), words)
	}
	for i := range st.Causes {
		line(st.Causes[i].Partitions, said(&st.Causes[i]))
	}
	line(st.Missing(), "missing")
	line(st.UpstreamStale, "upstream stale")
}
