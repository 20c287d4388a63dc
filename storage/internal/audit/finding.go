package audit

import (
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// Finding is an invariant that does not hold.
type Finding struct {
	text   string
	mended string
	mend   func() error
}

// Found adds a finding.
func (a *Audit) Found(format string, args ...any) *Finding {
	f := &Finding{text: fmt.Sprintf(format, args...)}
	a.findings = append(a.findings, f)
	return f
}

// Mend describes how a finding is mended and, in words, what holds afterwards.
func (f *Finding) Mend(mend func() error, format string, args ...any) {
	f.mend, f.mended = mend, fmt.Sprintf(format, args...)
}

// Texts returns what was found, nil if the store is sound.
func (a *Audit) Texts() []string {
	var texts []string
	for _, f := range a.findings {
		texts = append(texts, f.text)
	}
	return texts
}

// Mend mends what can be mended. It returns what was done, and the topics whose watchers must hear
// of it.
func (a *Audit) Mend() (done []string, touched storage.Topic, err error) {
	for _, f := range a.findings {
		if f.mend == nil {
			continue
		}
		if err := f.mend(); err != nil {
			return nil, 0, err
		}
		done = append(done, f.mended)
	}
	if len(done) > 0 {
		a.touched |= storage.TopicChanges
	}
	return done, a.touched, nil
}
