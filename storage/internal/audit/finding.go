package audit

// Finding is something that does not hold.
type Finding struct {
	// Text says what was found.
	Text string
	// Mended says what was done about it once Mend has succeeded; Mend is nil where nothing is to be done without a guess.
	Mended string
	Mend   func() error
}

// Texts returns what was found.
func Texts(findings []Finding) []string {
	var texts []string
	for i := range findings {
		texts = append(texts, findings[i].Text)
	}
	return texts
}

// Mend mends what can be mended and returns what was done.
func Mend(findings []Finding) ([]string, error) {
	var done []string
	for i := range findings {
		f := &findings[i]
		if f.Mend == nil {
			continue
		}
		if err := f.Mend(); err != nil {
			return nil, err
		}
		done = append(done, f.Mended)
	}
	return done, nil
}
