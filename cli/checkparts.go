package cli

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
)

// judgedPart is the partitions with the same result of a check.
type judgedPart struct {
	rivers.PartitionCount

	word string
}

// judgedParts are all of them, the worst first. What is outdated, or in progress, is among the
// others too.
func judgedParts(p *rivers.CheckPartitions) []judgedPart {
	return []judgedPart{
		{p.Crashed, "crashed"},
		{p.Failed, "failed"},
		{p.Warned, "warned"},
		{p.Passed, "passed"},
		{p.Skipped, "skipped"},
		{p.InProgress, "in progress"},
		{p.Outdated, "outdated"},
	}
}

// judgedText returns how many partitions have which result; empty where there is none.
func judgedText(p *rivers.CheckPartitions) string {
	if p == nil {
		return ""
	}
	var parts []string
	for _, of := range judgedParts(p) {
		switch {
		case of.Count == 0:
		case len(parts) == 0:
			parts = append(parts, fmt.Sprintf("%d of %d %s%s", of.Count, p.Total, of.word, whichText(p, of)))
		default:
			parts = append(parts, fmt.Sprintf("%d %s", of.Count, of.word))
		}
	}
	return strings.Join(parts, ", ")
}

// whichText names the partitions that did not pass, as far as they fit.
func whichText(p *rivers.CheckPartitions, of judgedPart) string {
	if of.word == "passed" || of.word == "skipped" {
		return ""
	}
	for text, err := range p.Space.Texts(of.Partitions) {
		if err != nil {
			break // --json tells of it
		}
		return " (" + term.OneLine(text, 40) + ")"
	}
	return ""
}

// checkDoc is a check as checks list --json prints it.
type checkDoc struct {
	rivers.CheckStatus

	// Partitions has how many there are, and those of each word as ranges.
	Partitions map[string]any `json:"partitions,omitempty"`
}

func checkDocs(status []rivers.CheckStatus) ([]checkDoc, error) {
	docs := make([]checkDoc, len(status)) // not null in JSON
	for i := range status {
		docs[i].CheckStatus = status[i]
		p := status[i].Partitions
		if p == nil {
			continue
		}
		docs[i].Partitions = map[string]any{"total": p.Total}
		for _, of := range append(judgedParts(p), judgedPart{p.Unchecked, "unchecked"}) {
			ranges, err := view.RangesOf(p.Space, of.Partitions)
			if err != nil {
				return nil, err
			}
			docs[i].Partitions[strings.ReplaceAll(of.word, " ", "_")] = ranges
		}
	}
	return docs, nil
}
