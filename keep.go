package rivers

import (
	"strings"

	"github.com/rivers-go/rivers/storage"
)

// Retention returns how long this repository keeps history, as [RepositoryConfig.Retention] says it. Nothing is deleted by itself: the
// command db prune does it, or repo.Storage().Prune with it.
func (r *CodeRepository) Retention() storage.Retention { return r.config.Retention }

// checkRetention looks at the ages that history is kept.
func (v *validation) checkRetention() {
	if err := v.repo.config.Retention.Validate(); err != nil {
		v.repositoryFault("Retention", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
