package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) graphCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "graph [SELECTION...]", Short: "Print the graph of assets and tasks", ValidArgsFunction: a.completeSelection,
		Long: "Print the graph of assets and tasks, all or those of a selection (see materialize --help): as text (one line for each that has something downstream), for Graphviz\n(--format dot), for Mermaid (--format mermaid) or as JSON (--format json, or --json).",
		RunE: func(_ *cobra.Command, args []string) error {
			doc, err := a.repo.Topology()
			if err != nil {
				return err
			}
			if doc, err = restrict(doc, args); err != nil {
				return err
			}
			if a.json {
				format = "json"
			}
			switch format {
			case "text":
				a.graphText(doc)
			case "dot":
				a.graphDot(doc)
			case "mermaid":
				a.graphMermaid(doc)
			case "json":
				return a.PrintJSON(doc)
			default:
				return usagef("--format %q: want text, dot, mermaid or json", format)
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text, dot, mermaid or json")
	mustComplete(c, "format", completeWords("text", "dot", "mermaid", "json"))
	return c
}

// restrict keeps the selected nodes and the edges between them.
func restrict(doc storage.TopologyDoc, selection []string) (storage.TopologyDoc, error) {
	filter, err := view.Of(doc).Select(selection...)
	if err != nil {
		return doc, err
	}
	var nodes []storage.TopologyNode
	kept := map[string]bool{}
	for i := range doc.Nodes {
		if filter == nil || filter(i) {
			nodes = append(nodes, doc.Nodes[i])
			kept[doc.Nodes[i].Name] = true
		}
	}
	for i := range nodes {
		nodes[i].Upstream = slices.DeleteFunc(slices.Clone(nodes[i].Upstream), func(u string) bool { return !kept[u] })
	}
	doc.Nodes = nodes
	return doc, nil
}

// graphText prints every node with its downstream nodes.
func (a *app) graphText(doc storage.TopologyDoc) {
	down := map[string][]string{}
	for _, n := range doc.Nodes {
		for _, u := range n.Upstream {
			down[u] = append(down[u], n.Name)
		}
	}
	for _, n := range doc.Nodes {
		switch {
		case len(down[n.Name]) > 0:
			a.Printf("%s %s %s\n", n.Name, a.Paint(term.Grey, "->"), strings.Join(down[n.Name], ", "))
		case len(n.Upstream) == 0:
			a.Println(n.Name)
		}
	}
}

func (a *app) graphDot(doc storage.TopologyDoc) {
	a.Println("digraph rivers {\n  rankdir=LR;\n  node [shape=box, style=rounded];")
	for _, n := range doc.Nodes {
		attrs := ""
		if n.Kind == storage.NodeExternalAsset {
			attrs = ", style=dashed"
		} else if n.Kind.IsTask() {
			attrs = ", shape=ellipse"
		}
		a.Printf("  %q [tooltip=%q%s];\n", n.Name, n.Kind, attrs)
	}
	for _, n := range doc.Nodes {
		for _, u := range n.Upstream {
			a.Printf("  %q -> %q;\n", u, n.Name)
		}
	}
	a.Println("}")
}

func (a *app) graphMermaid(doc storage.TopologyDoc) {
	a.Println("graph LR")
	ids := make(map[string]string, len(doc.Nodes))
	for i, n := range doc.Nodes { // Mermaid reserves words such as "end", so nodes are numbered
		ids[n.Name] = fmt.Sprintf("n%d", i)
		open, end := `["`, `"]`
		if n.Kind == storage.NodeExternalAsset {
			open, end = `[/"`, `"/]`
		} else if n.Kind.IsTask() {
			open, end = `(["`, `"])`
		}
		a.Printf("  %s%s%s%s\n", ids[n.Name], open, n.Name, end)
	}
	for _, n := range doc.Nodes {
		for _, u := range n.Upstream {
			a.Printf("  %s --> %s\n", ids[u], ids[n.Name])
		}
	}
}
