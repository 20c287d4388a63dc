package record

import (
	"encoding/json"
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// decode reads a JSON document into target. An empty document leaves it unchanged.
func decode(doc []byte, target any) error {
	if len(doc) == 0 {
		return nil
	}
	return json.Unmarshal(doc, target)
}

// Cancel reads a stored request to cancel into one that names what it cancels. It returns nil for
// an empty document.
func Cancel(c storage.CancelRequest, doc []byte) (*storage.CancelRequest, error) {
	if len(doc) == 0 {
		return nil, nil //nolint:nilnil // nobody asked, which is no error
	}
	if err := json.Unmarshal(doc, &c); err != nil {
		return nil, fmt.Errorf("a request to cancel: %w", err)
	}
	return &c, nil
}

// each converts rows one by one, nil for no rows. Its error is the first, under the name of its
// row.
func each[R, T any](rows []R, convert func(R) (T, error), name func(R) string) ([]T, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	list := make([]T, len(rows))
	for i := range rows {
		var err error
		if list[i], err = convert(rows[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name(rows[i]), err)
		}
	}
	return list, nil
}
