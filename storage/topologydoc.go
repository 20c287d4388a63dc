package storage

import (
	"encoding/json"
	"fmt"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// TopologyDoc is the document of a [Topology]: a repository for readers without its code.
type TopologyDoc struct {
	Name  string         `json:"name"`
	Nodes []TopologyNode `json:"nodes"`
	// Checks are the asset checks, in topological order.
	Checks []TopologyCheck `json:"checks,omitempty"`
	Jobs   []TopologyJob   `json:"jobs,omitempty"`
}

// TopologyCheck is a check of an asset.
type TopologyCheck struct {
	Name  string `json:"name"`
	Asset string `json:"asset"`
	// Blocking stops readers of an asset that did not pass, BlockLater in later runs too.
	Blocking    bool         `json:"blocking,omitempty"`
	BlockLater  bool         `json:"block_later,omitempty"`
	Description string       `json:"description,omitempty"`
	Metadata    metadata.Map `json:"metadata,omitempty"`
	CodeVersion string       `json:"code_version,omitempty"`
	// Source is where it is defined, as in [TopologyNode].
	Source string `json:"source,omitempty"`
	// Partitioned is true for a check of each partition.
	Partitioned bool `json:"partitioned,omitempty"`
	// Upstream are the names that it reads or waits for besides its asset.
	Upstream []string `json:"upstream,omitempty"`
	// Pools and Config are as in [TopologyNode].
	Pools  []PoolSlots     `json:"pools,omitempty"`
	Config json.RawMessage `json:"config,omitempty"`
}

// NodeKind is the kind of a [TopologyNode]: one of the words below, or one that a newer program
// wrote.
type NodeKind string

// The kinds of nodes.
const (
	NodeAsset         NodeKind = "asset"
	NodeMultiAsset    NodeKind = "multi_asset"
	NodeGraphAsset    NodeKind = "graph_asset"
	NodeExternalAsset NodeKind = "external_asset"
	NodeTask          NodeKind = "task"
	NodeBashTask      NodeKind = "bash_task"
	NodeCheck         NodeKind = "asset_check"
	NodeAction        NodeKind = "action"
)

// IsTask reports whether the node is a standalone task.
func (k NodeKind) IsTask() bool { return k == NodeTask || k == NodeBashTask }

// IsAsset reports whether the node is an asset of any kind, external ones included.
func (k NodeKind) IsAsset() bool {
	return k == NodeAsset || k == NodeMultiAsset || k == NodeGraphAsset || k == NodeExternalAsset
}

// TopologyNode is an asset or a task, in topological order.
type TopologyNode struct {
	Name string `json:"name"`
	// Kind is what the node is to the person who defined it.
	Kind NodeKind `json:"kind"`
	// Definition is the multi-asset that makes it; empty if that has the same name.
	Definition  string            `json:"definition,omitempty"`
	Group       string            `json:"group,omitempty"`
	Kinds       []string          `json:"kinds,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Owners      []string          `json:"owners,omitempty"`
	Description string            `json:"description,omitempty"`
	Metadata    metadata.Map      `json:"metadata,omitempty"`
	CodeVersion string            `json:"code_version,omitempty"`
	// Source is where it is defined: the path of its package and the file in it, without the
	// package for a main one, and the line, such as "example.com/shop/marts/users.go:12".
	Source string `json:"source,omitempty"`
	// Type is the Go type of the value; empty if unknown.
	Type string `json:"type,omitempty"`
	// InMemory is set where its IO handler keeps values in memory: they end with the process that made
	// them. Note is what its author should know about it, in words.
	InMemory bool   `json:"in_memory,omitempty"`
	Note     string `json:"note,omitempty"`
	// Partitions describes its partitions; nil for an unpartitioned node.
	Partitions *partition.Description `json:"partitions,omitempty"`
	// Freshness is the maximum age of its data; zero for no policy.
	Freshness freshness.Policy `json:"freshness,omitzero"`
	// Upstream are the names it reads or waits for.
	Upstream []string `json:"upstream,omitempty"`
	// Steps are the keys of the steps inside a graph asset.
	Steps []string `json:"steps,omitempty"`
	// Pools are the concurrency slots that its steps hold.
	Pools []PoolSlots `json:"pools,omitempty"`
	// Config is the JSON Schema of the config it takes.
	Config json.RawMessage `json:"config,omitempty"`
}

// TopologyJob is a job.
type TopologyJob struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	// Steps are the keys of the planned steps.
	Steps []string `json:"steps"`
}

// Document decodes the topology's document.
func (t Topology) Document() (TopologyDoc, error) {
	var doc TopologyDoc
	if err := json.Unmarshal(t.Doc, &doc); err != nil {
		return doc, fmt.Errorf("topology of %q: %w", t.Location, err)
	}
	return doc, nil
}
