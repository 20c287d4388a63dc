package rivers

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsNeverShown(t *testing.T) {
	s := NewSecret("hunter2")
	type holder struct {
		Public  Secret
		private Secret
		List    []Secret
		Pointer *Secret
		Table   map[Secret]Secret
	}
	h := holder{s, s, []Secret{s}, &s, map[Secret]Secret{s: s}}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "s", s, "h", h)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "s", s, "h", h)
	shown := []string{logged.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h))
	}
	doc, err := json.Marshal(h)
	shown = append(shown, string(doc), fmt.Sprint(err))
	for _, text := range shown {
		for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117"} {
			if strings.Contains(text, leak) {
				t.Errorf("shown: %s", text)
			}
		}
	}
	if s.Reveal() != "hunter2" || s.IsZero() || !(Secret{}).IsZero() || s != NewSecret("hunter2") {
		t.Error("a secret is not its text")
	}
}
