package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

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
	for _, n := range a.nodes(cmd.Context()) {
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
	return completeNames(a.nodes(cmd.Context()), prefix, func(*view.Node) bool { return true })
}

// completeExternal completes names of external assets.
func (a *app) completeExternal(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return completeNames(a.nodes(cmd.Context()), prefix, func(n *view.Node) bool { return n.Kind == storage.NodeExternalAsset })
}

func completeNames(nodes []view.Node, prefix string, fits func(*view.Node) bool) ([]string, cobra.ShellCompDirective) {
	var names []string
	for i := range nodes {
		n := &nodes[i]
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
