package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/spf13/pflag"
)

// materializeFlags are the flags of materialize and of other commands that start runs.
type materializeFlags struct {
	upstream, dryRun, verbose bool
	noChecks, stale           bool
	checks                    []string
	config, job, runID        string
	resume, partition         string
	tags                      []string
}

// runFlags defines the flags of every command that starts a run.
func (f *materializeFlags) runFlags(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show what steps log, not only warnings and errors")
	flags.StringVar(&f.config, "config", "", `config overrides by asset: a JSON file, or JSON text ({"users": {"limit": 5}})`)
	flags.StringVar(&f.runID, "run-id", "", "a name for the run instead of a new UUID")
	flags.StringArrayVar(&f.tags, "tag", nil, "a tag key=value to record with the run; may be repeated")
}

// request turns the flags into a request.
func (f *materializeFlags) request(selection []string) (rivers.RunRequest, error) {
	req := rivers.RunRequest{Selection: selection, IncludeUpstream: f.upstream, RunID: f.runID, Stale: f.stale}
	if f.noChecks {
		req.Checks = storage.ChecksNone
	}
	if keys, r, err := parsePartition(f.partition); err != nil {
		return req, err
	} else if req.Range = r; len(keys) > 0 {
		req.Partition = keys[0]
	}
	for _, tag := range f.tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" {
			return req, usagef("--tag %q: want key=value", tag)
		}
		if old, twice := req.Tags[k]; twice {
			return req, usagef("--tag %s is given twice (%q and %q): leave one out", k, old, v)
		}
		if req.Tags == nil {
			req.Tags = map[string]string{}
		}
		req.Tags[k] = v
	}
	if f.config == "" {
		return req, nil
	}
	doc := []byte(f.config)
	if !strings.HasPrefix(strings.TrimSpace(f.config), "{") {
		var err error
		if doc, err = os.ReadFile(f.config); err != nil {
			return req, usagef("--config: %w: give a JSON file, or JSON text that begins with {", err)
		}
	}
	// Numbers stay as they were written: a float64 would round large ones.
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	if err := decoder.Decode(&req.Config); err != nil {
		return req, usagef(`--config: %s: want an object of objects by asset, such as {"users": {"limit": 5}}`, jsonFault(doc, err))
	}
	if decoder.More() {
		return req, usagef("--config: text after the object at byte %d: give one object", decoder.InputOffset())
	}
	return req, nil
}

// jsonFault describes a mistake in a document with its position.
func jsonFault(doc []byte, err error) string {
	at := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at = wrong.Offset
	}
	if at < 0 || at > int64(len(doc)) {
		return err.Error()
	}
	before := doc[:at]
	return fmt.Sprintf("line %d, column %d: %v", bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')-1, err)
}

// parsePartition reads a key or a range.
func parsePartition(text string) ([]partition.Key, partition.KeyRange, error) {
	if text == "" {
		return nil, partition.KeyRange{}, nil
	}
	if key, err := partition.ParseKey(text); err == nil && !strings.Contains(text, "..") {
		return []partition.Key{key}, partition.KeyRange{}, nil
	}
	r, err := partition.ParseKeyRange(text)
	if err != nil {
		return nil, r, usagef("--partition: %w", err)
	}
	return nil, r, nil
}
