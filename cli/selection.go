package cli

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/internal/selection"
	"github.com/rivers-go/rivers/storage"
)

// nodeGraph presents definitions to the selection language.
type nodeGraph struct {
	nodes    []storage.TopologyNode
	byName   map[string][]int32
	up, down [][]int32
}

func newNodeGraph(nodes []storage.TopologyNode) *nodeGraph {
	g := &nodeGraph{nodes: nodes, byName: make(map[string][]int32, len(nodes)), up: make([][]int32, len(nodes)), down: make([][]int32, len(nodes))}
	for i := range nodes {
		if g.byName[nodes[i].Name] == nil { // two locations may use one name
			g.byName[nodes[i].Name] = []int32{int32(i)}
		}
	}
	for i := range nodes {
		for _, name := range nodes[i].Upstream {
			for _, u := range g.byName[name] {
				g.up[i] = append(g.up[i], u)
				g.down[u] = append(g.down[u], int32(i))
			}
		}
	}
	made := map[string][]int32{}
	for i := range nodes {
		if by := nodes[i].Definition; by != "" && g.byName[by] == nil { // an asset's own name is its own
			made[by] = append(made[by], int32(i))
		}
	}
	maps.Copy(g.byName, made)
	return g
}

func (g *nodeGraph) Len() int                 { return len(g.nodes) }
func (g *nodeGraph) Name(i int) string        { return g.nodes[i].Name }
func (g *nodeGraph) Definition(i int) string  { return cmp.Or(g.nodes[i].Definition, g.nodes[i].Name) }
func (g *nodeGraph) Group(i int) string       { return g.nodes[i].Group }
func (g *nodeGraph) Kinds(i int) []string     { return g.nodes[i].Kinds }
func (g *nodeGraph) Owners(i int) []string    { return g.nodes[i].Owners }
func (g *nodeGraph) Upstream(i int) []int32   { return g.up[i] }
func (g *nodeGraph) Downstream(i int) []int32 { return g.down[i] }
func (g *nodeGraph) Named(n string) []int32   { return g.byName[n] }

func (g *nodeGraph) Tag(i int, key string) (string, bool) {
	v, ok := g.nodes[i].Tags[key]
	return v, ok
}

// selected reports which nodes a selection includes; no selection includes all.
func selected(nodes []storage.TopologyNode, texts []string) (func(i int) bool, error) {
	if len(texts) == 0 {
		return func(int) bool { return true }, nil
	}
	expr, err := selection.ParseAll(texts)
	if err != nil {
		return nil, BadRequest(err)
	}
	set, err := expr.Eval(newNodeGraph(nodes))
	if err != nil {
		return nil, BadRequest(err)
	}
	return set.Has, nil
}

// nodes returns the definitions that arguments can name: those of the program, otherwise the
// store's copies.
func (a *app) nodes(cmd *cobra.Command) []storage.TopologyNode {
	if a.repo != nil {
		doc, err := a.repo.Topology()
		if err != nil {
			return nil // a completion has nowhere to say it; the command will
		}
		return doc.Nodes
	}
	views, err := a.views(cmd.Context())
	if err != nil {
		return nil
	}
	nodes := make([]storage.TopologyNode, len(views))
	for i := range views {
		nodes[i] = views[i].TopologyNode
	}
	return nodes
}

// completeSelection completes the last word of a selection: a name, also after + and inside
// parentheses, or a group, kind, tag or owner after its prefix.
func (a *app) completeSelection(cmd *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
	start := strings.LastIndexAny(text, " (+") + 1
	before, word := text[:start], text[start:]
	var found []string
	add := func(candidate, description string) {
		if strings.HasPrefix(candidate, word) {
			found = append(found, before+candidate+"\t"+description)
		}
	}
	for _, n := range a.nodes(cmd) {
		add(n.Name, n.Description)
		if n.Definition != "" {
			add(n.Definition, "all that it makes")
		}
		if !strings.Contains(word, ":") {
			continue // names first; the rest once its word is there
		}
		if n.Group != "" {
			add("group:"+n.Group, "")
		}
		for _, k := range n.Kinds {
			add("kind:"+k, "")
		}
		for _, o := range n.Owners {
			add("owner:"+o, "")
		}
		for k, v := range n.Tags {
			add("tag:"+k+"="+v, "")
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	if !strings.Contains(word, ":") && word != "" {
		for _, field := range []string{"group:", "kind:", "owner:", "tag:"} {
			if strings.HasPrefix(field, word) {
				found = append(found, before+field)
				directive |= cobra.ShellCompDirectiveNoSpace
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), directive
}

// completeAssets completes one name.
func (a *app) completeAssets(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeNames(a.nodes(cmd), prefix, func(storage.TopologyNode) bool { return true })
}

// completeExternal completes names of external assets.
func (a *app) completeExternal(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return completeNames(a.nodes(cmd), prefix, func(n storage.TopologyNode) bool { return n.Kind == storage.NodeExternalAsset })
}

func completeNames(nodes []storage.TopologyNode, prefix string, fits func(storage.TopologyNode) bool) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, n := range nodes {
		if fits(n) && strings.HasPrefix(n.Name, prefix) {
			names = append(names, n.Name+"\t"+n.Description)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeJobs completes the names of jobs.
func (a *app) completeJobs(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if a.repo != nil {
		doc, err := a.repo.Topology()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		for _, j := range doc.Jobs {
			if strings.HasPrefix(j.Name, prefix) {
				names = append(names, j.Name+"\t"+j.Description)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeWords completes a flag that takes one of a few words.
func completeWords(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// mustComplete binds a completion to a flag that was just defined.
func mustComplete(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}
