package rivers

import (
	"fmt"
	"io"
	"log/slog"
	"unique"
)

// Secret is a text that is never shown: printing, logging and encoding it give ***. Use it for
// the fields of a config or a resource that hold passwords and keys. Secrets are comparable; the
// zero Secret is empty.
type Secret struct {
	// text is behind a pointer since fmt calls no methods on unexported fields: of a secret in one it
	// shows an address. A handle is that pointer, and equal texts have equal ones. Zero is no text.
	text unique.Handle[string]
}

// NewSecret returns a secret that holds text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{unique.Make(text)}
}

// masked is what people see of any secret, also of an empty one: its length is nobody's business.
const masked = "***"

// Reveal returns the text, for the one call that needs it.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.text.Value()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns ***.
func (s Secret) String() string { return masked }

// GoString returns ***.
func (s Secret) GoString() string { return masked }

// Format writes *** for every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, masked) // fmt.State never fails; it has nobody to tell
}

// MarshalText returns ***, for every encoding that asks for a text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalJSON returns "***".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// LogValue returns ***.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }
