package blob_test

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rivers-go/rivers/iohandler/blob"
)

type (
	halfHidden struct {
		Name  string
		cache map[string]int
	}
	guarded struct {
		once *sync.Once
		mu   *sync.Mutex
		_    [0]func()
		Name string
	}
	stamped struct {
		time.Time
		Name string
	}
	onlyTime struct{ time.Time }
	own      struct {
		time.Time
		Name string
	}
	ownByPointer struct {
		time.Time
		Name string
	}
	below struct{ List []map[string]*halfHidden }
)

func (o own) MarshalJSON() ([]byte, error)           { return json.Marshal(o.Name) }
func (o *ownByPointer) MarshalText() ([]byte, error) { return []byte(o.Name), nil }

// A field that no codec would write is a mistake in the type, and not a loss that nobody hears of.
func TestCodecsRefuseFieldsThatWouldBeLost(t *testing.T) {
	t.Parallel()
	_ = halfHidden{cache: nil}.cache // fields of these types are only looked at
	_, _ = guarded{once: nil}.once, guarded{mu: nil}.mu
	for name, codec := range map[string]blob.Codec{"cbor": blob.CBOR(), "json": blob.JSON(), "gob": blob.Gob()} {
		for _, c := range []struct {
			of   any
			want string // empty for a type that is stored
		}{
			{halfHidden{}, "its field cache is unexported, so it would be lost"},
			{[]*halfHidden{}, "its field cache is unexported"},
			{below{}, "its field cache is unexported"},
			{stamped{}, "it embeds time.Time, whose methods write the whole, so its other fields would be lost"},
			{&guarded{}, ""},
			{onlyTime{}, ""},
			{time.Time{}, ""},
			{netip.Addr{}, ""},
			{&big.Int{}, ""},
		} {
			err := codec.CanStore(reflect.TypeOf(c.of))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %T: %v, want %q", name, c.of, err, c.want)
			}
		}
	}
	for _, of := range []any{own{}, &ownByPointer{}} {
		if err := blob.JSON().CanStore(reflect.TypeOf(of)); err != nil {
			t.Errorf("%T writes itself: %v", of, err)
		}
	}
}
