package storage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// Detail holds the attributes of an event or of an asset's state, stored as JSON. The engine and
// the consumers of the feed read Data, Write, Inputs, ReadSeq, Outputs, Writes, Instances,
// Partitions and Check; people read the rest.
type Detail struct {
	// Data and Code repeat the asset's versions, so that an event is complete.
	Data string `json:"data_version,omitempty"`
	Code string `json:"code_version,omitempty"`
	// Write names the write of the value, where the IO handler keeps writes apart: see
	// iohandler.WriteKeeper.
	Write string `json:"write,omitempty"`
	// Metadata holds what the body and the IO handler attached.
	Metadata metadata.Map `json:"metadata,omitempty"`
	// Tags of the output.
	Tags map[string]string `json:"tags,omitempty"`
	// Inputs are the data versions of upstream assets, by name. Every dependency on an asset has an
	// entry, empty if the asset had no version.
	Inputs map[string]string `json:"inputs,omitempty"`
	// ReadSeq is the [Partitions.ChangeSeq] at which an attempt that read partitions began. It may
	// not have read later changes. Zero if it read none.
	ReadSeq int64 `json:"read_seq,omitempty"`
	// Outputs are the data versions of a reused step, by output name.
	Outputs map[string]string `json:"outputs,omitempty"`
	// Writes are the names of the writes of a reused step, by output name.
	Writes map[string]string `json:"writes,omitempty"`
	// Error, Hint and Stack describe a failure; Error is also the reason of a skip.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
	Stack string `json:"stack,omitempty"`
	// Instances names the instances of an expanded step; nil if they are numbered.
	Instances []string `json:"instances,omitempty"`
	// Partitions are the partitions of an event about several.
	Partitions partition.Set `json:"partitions,omitzero"`
	// Check is the check result.
	Check *Verdict `json:"check,omitempty"`
	// Action is the name of the action that caused the event.
	Action string `json:"action,omitempty"`
	// By and Reason are the author and the reason of an operator's edit.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Empty reports whether there is nothing to store.
func (d Detail) Empty() bool {
	return d.Data == "" && d.Code == "" && d.Write == "" && len(d.Metadata) == 0 && len(d.Tags) == 0 && len(d.Inputs) == 0 && len(d.Outputs) == 0 &&
		len(d.Writes) == 0 &&
		d.Error == "" && d.Hint == "" && d.Stack == "" && len(d.Instances) == 0 &&
		d.ReadSeq == 0 && d.Partitions.IsEmpty() && d.Check == nil && d.Action == "" && d.By == "" && d.Reason == ""
}

// AppendJSON appends the detail as a JSON object to dst and returns the result: the bytes that
// [ParseDetail] reads. It appends nothing for an empty detail, so that AppendJSON(nil) is then
// nil, the form in which events and asset states carry "no detail". Keys are sorted: equal
// details are equal bytes. Text that is not UTF-8 gets U+FFFD in place of the bytes that are not.
func (d Detail) AppendJSON(dst []byte) []byte {
	if d.Empty() {
		return dst
	}
	dst = slices.Grow(dst, d.size())
	start := len(dst)
	dst = append(dst, '{')
	dst = appendTextField(dst, `,"data_version":`, d.Data)
	dst = appendTextField(dst, `,"code_version":`, d.Code)
	dst = appendTextField(dst, `,"write":`, d.Write)
	if len(d.Metadata) > 0 {
		dst = append(dst, `,"metadata":`...)
		dst = d.Metadata.AppendJSON(dst)
	}
	dst = appendTextsField(dst, `,"tags":`, d.Tags)
	dst = appendTextsField(dst, `,"inputs":`, d.Inputs)
	if d.ReadSeq != 0 {
		dst = append(dst, `,"read_seq":`...)
		dst = strconv.AppendInt(dst, d.ReadSeq, 10)
	}
	dst = appendTextsField(dst, `,"outputs":`, d.Outputs)
	dst = appendTextsField(dst, `,"writes":`, d.Writes)
	dst = appendTextField(dst, `,"error":`, d.Error)
	dst = appendTextField(dst, `,"hint":`, d.Hint)
	dst = appendTextField(dst, `,"stack":`, d.Stack)
	if len(d.Instances) > 0 {
		dst = append(dst, `,"instances":`...)
		dst = appendList(dst, d.Instances)
	}
	if !d.Partitions.IsEmpty() {
		dst = append(dst, `,"partitions":"`...)
		dst, _ = d.Partitions.AppendText(dst) // never fails
		dst = append(dst, '"')
	}
	if d.Check != nil {
		dst = append(dst, `,"check":`...)
		dst = d.Check.appendJSON(dst)
	}
	dst = appendTextField(dst, `,"action":`, d.Action)
	dst = appendTextField(dst, `,"by":`, d.By)
	dst = appendTextField(dst, `,"reason":`, d.Reason)
	dst = append(dst, '}')
	// Every field brought its comma; the first one stands where the brace belongs.
	copy(dst[start+1:], dst[start+2:])
	return dst[:len(dst)-1]
}

// size is about how many bytes the JSON has: exactly, where nothing but versions is in it.
func (d Detail) size() int {
	const quotes = len(`"":"",`)
	n := len(`{"data_version":"","code_version":""}`) + len(d.Data) + len(d.Code) + len(d.Error) + len(d.Hint) + len(d.Stack) + len(d.By) + len(d.Reason)
	if d.ReadSeq != 0 {
		n += len(`,"read_seq":`) + 20
	}
	if d.Write != "" {
		n += len(`,"write":""`) + len(d.Write)
	}
	for _, m := range [4]map[string]string{d.Tags, d.Inputs, d.Outputs, d.Writes} {
		if len(m) > 0 {
			n += len(`,"outputs":{}`)
		}
		for k, v := range m {
			n += len(k) + len(v) + quotes
		}
	}
	return n
}

// ParseDetail reads the JSON of a detail; nil and empty are the zero Detail. Fields that a newer
// program added are ignored. Anything but one JSON object is an error.
func ParseDetail(data []byte) (Detail, error) {
	var d Detail
	if len(data) == 0 {
		return d, nil
	}
	if quick, ok := quickDetail(data); ok {
		return quick, nil
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return Detail{}, fmt.Errorf("detail of an event: %w", err)
	}
	return d, nil
}
