package engine

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// materialization is one output that was made, encoded for storage.
type materialization struct {
	output  int32
	asset   storage.AssetKey // zero for values that are no assets
	part    partition.Slice
	version string
	write   string
	code    string
	detail  []byte
}

// store writes the outputs of a body through their handlers.
func (a *attempt) store(inv *graph.Invocation, res graph.Result) error {
	for pos := range a.of.Outputs {
		if !inv.Wanted(pos) {
			continue
		}
		if res.Emitted {
			if !slices.Contains(a.emitted, pos) {
				return fmt.Errorf("output %q is selected, and the function returned without emitting it: emit it, or ask ctx.Selected first", a.of.Outputs[pos].Name)
			}
			continue
		}
		if res.Recorded {
			continue
		}
		value := res.Value
		if res.Values != nil {
			value = res.Values[pos]
		}
		if _, written := value.(graph.Written); written {
			continue
		}
		if err := a.write1(inv, pos, value); err != nil {
			return err
		}
	}
	return nil
}

// write1 hands one output to its handler and keeps what the handler reports.
func (a *attempt) write1(inv *graph.Invocation, pos int, value any) error {
	out := &a.of.Outputs[pos]
	octx := iohandler.OutputContext{
		Name: out.Name, RunID: a.runID, Step: a.key, Attempt: int(a.job.attempt),
		Type: out.Type, Metadata: out.Attrs.Metadata, Logger: a.logger, Partition: a.part, Write: a.locator.For(out),
	}
	if a.instance { // an instance keeps its value under its own key
		octx.Name = a.key
	}
	if err := out.Handler.HandleOutput(a.ctx, &octx, value); err != nil {
		return fmt.Errorf("output %q: %w", octx.Name, err)
	}
	if octx.Added == nil && octx.DataVersion == "" && octx.Write == "" {
		return nil
	}
	f := inv.FactsOf(pos)
	f.Write = octx.Write
	for k, v := range octx.Added {
		if _, said := f.Metadata[k]; !said { // the body's word wins
			inv.AddMetadata(pos, k, v)
		}
	}
	if f.DataVersion == "" {
		f.DataVersion = octx.DataVersion
	}
	return nil
}

// emit writes one output while the body runs, and records it at once.
func (a *attempt) emit(pos int, value any) error {
	if err := a.ctx.Err(); err != nil {
		return fmt.Errorf("output %q: %w", a.of.Outputs[pos].Name, err)
	}
	if slices.Contains(a.emitted, pos) {
		return fmt.Errorf("output %q was emitted before: emit each output once", a.of.Outputs[pos].Name)
	}
	if !a.inv.Wanted(pos) {
		return nil
	}
	if err := a.write1(&a.inv, pos, value); err != nil {
		return err
	}
	if err := unstorable(a.inv.Facts); err != nil {
		return err
	}
	a.emitted = append(a.emitted, pos)
	return a.sink.handOver(a, pos)
}

// handOver records an output that was written while the body runs.
func (r *run) handOver(a *attempt, pos int) error {
	m := r.encode(a.mapped, pos, a.inv.FactsOf(pos), a.part)
	r.mu.Lock()
	defer r.unlock()
	if !r.d.Running(a.job.step, a.job.attempt) {
		return fmt.Errorf("output %q: %w", a.of.Outputs[pos].Name, ErrCanceled)
	}
	d := r.detailOf(a.job.step)
	d.emitted = append(d.emitted, pos)
	f := storage.Fact{Kind: storage.AssetMaterialized, Step: a.job.step, Attempt: a.job.attempt, At: now()}
	r.setMaterialized(&m, r.recordMade(f, &m), f.At)
	r.flush()
	return nil
}

// stillWanted reports which outputs an attempt is to keep: those of the plan, without those that an
// attempt whose process died had handed over.
func (r *run) stillWanted(a *attempt) []bool {
	persist := r.plan.Steps[a.mapped].Persist
	if !a.of.Emits || r.partitioned(a.mapped) { // of what is partitioned, whole partitions are made or not
		return persist
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	emitted := r.detailOf(a.job.step).emitted
	if len(emitted) == 0 {
		return persist
	}
	wanted := make([]bool, len(a.of.Outputs))
	for pos := range wanted {
		wanted[pos] = r.plan.Wanted(a.mapped, pos) && !slices.Contains(emitted, pos)
	}
	return wanted
}

// materializations appends what a success made to made, encoded in the goroutine of the step.
func (r *run) materializations(j job, o *outcome, made []materialization) []materialization {
	if o.kind != storage.StepSucceeded || o.apart {
		return nil
	}
	mapped, _, instance := r.instance(j.step)
	node := r.graph.Node(r.Plan.Steps[mapped].Node)
	if node.Emits || instance {
		return nil
	}
	return r.encodeAll(mapped, o.part, o.facts, made)
}

// encode makes the record of output pos of a planned step, of the partitions that were made.
func (r *run) encode(step int32, pos int, f *graph.Facts, part partition.Slice) materialization {
	n := r.Plan.Steps[step].Node
	out := &r.graph.Node(n).Outputs[pos]
	m := materialization{output: r.graph.OutputAt(n, pos), code: out.Attrs.CodeVersion, part: part}
	d := storage.Detail{Code: m.code, ReadSeq: r.readSeq(step)}
	d.Inputs = r.inputVersions(step, part, d.ReadSeq)
	if f != nil {
		m.version, m.write, d.Tags = f.DataVersion, f.Write, f.Tags
		d.Metadata, d.Error = normalized(f.Metadata)
	}
	if m.version == "" {
		m.version = newVersion()
	}
	if !part.IsZero() {
		d.Partitions = part.Set()
	}
	d.Data, d.Write = m.version, m.write
	if in := writes.Inside(r.graph.Node(n), false); in != nil && out.Asset { // which is written beside it
		d.Writes = map[string]string{in.Name: r.table.Inner()}
	}
	m.asset = r.AssetKeys[m.output]
	m.detail = d.AppendJSON(nil)
	return m
}

// normalized turns metadata into its stored values. What cannot be stored is left out and said:
// the data is made, and a remark about it must not fail it.
func normalized(m metadata.Map) (metadata.Map, string) {
	if len(m) == 0 {
		return nil, ""
	}
	n, err := m.Normalize()
	if err == nil {
		return n, ""
	}
	good := make(metadata.Map, len(m))
	for k, v := range m {
		if value, err := metadata.Of(v); err == nil {
			good[k] = value
		}
	}
	return good, err.Error()
}

// unstorable returns an error for metadata that has no stored form. It fails the step, so that
// nothing is lost without a word.
func unstorable(facts []graph.Facts) error {
	for i := range facts {
		for _, v := range facts[i].Metadata {
			if _, err := metadata.Of(v); err != nil {
				_, err := facts[i].Metadata.Normalize() // which names the keys
				return err
			}
		}
	}
	return nil
}

// newVersion returns a random UUID (RFC 9562, version 4). It identifies, it is no secret: the
// runtime's generator is enough, and costs no system call a step.
func newVersion() string {
	var b [16]byte
	for i, word := range [2]uint64{rand.Uint64(), rand.Uint64()} {
		for k := range 8 {
			b[i*8+k] = byte(word >> (8 * k))
		}
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	hex.Encode(text[:8], b[:4])
	hex.Encode(text[9:13], b[4:6])
	hex.Encode(text[14:18], b[6:8])
	hex.Encode(text[19:23], b[8:10])
	hex.Encode(text[24:], b[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
