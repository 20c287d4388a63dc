package sqlite

import "encoding/json"

// longPlanAt is the length in bytes from which a plan has a row of its own: a run's row is
// rewritten with each of its states, and beyond a quarter of a page that shows.
const longPlanAt = 1024

// decode reads a document into target; none leaves it as it is.
func decode(doc []byte, target any) error {
	if len(doc) == 0 {
		return nil
	}
	return json.Unmarshal(doc, target)
}
