package storage

// RunRequest asks for one run. It is data: what a program passes to Materialize is what storage
// records. The zero value asks for every asset that is not external.
type RunRequest struct {
	// Selection is one or more sentences of the selection language ("users", "+report",
	// "group:marts and not tag:slow"); several are a union. Empty selects everything.
	Selection []string `json:"selection,omitempty"`
	// IncludeUpstream adds everything the selection depends on, directly or not.
	IncludeUpstream bool `json:"include_upstream,omitempty"`
	// Config overrides the config of single assets and tasks, by node name.
	Config map[string]map[string]any `json:"config,omitempty"`
	// Tags are recorded with the run.
	Tags map[string]string `json:"tags,omitempty"`
	// RunID gives the run a name of the caller's instead of a new UUID; it must not be used yet.
	RunID string `json:"run_id,omitempty"`
}
