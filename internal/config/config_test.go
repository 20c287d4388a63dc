package config_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/config"
	"github.com/rivers-go/rivers/internal/fault"
)

// Secret stands for the root's type of that name.
type Secret struct{ text string }

func newSecret(text string) Secret { return Secret{text} }

var secrets = config.Secrets{
	Type:   reflect.TypeFor[Secret](),
	Set:    func(dst reflect.Value, text string) { dst.Set(reflect.ValueOf(newSecret(text))) },
	Reveal: func(v reflect.Value) string { return v.Interface().(Secret).text },
}

type configSource struct {
	URL      string            `json:"url" default:"file://./lake" validate:"url"`
	Timeout  time.Duration     `json:"timeout" default:"10m" validate:"gte=1s,lt=1h"`
	Password Secret            `json:"password" env:"RIVERS_TEST_PASSWORD" validate:"required,min=4"`
	Headers  map[string]Secret `json:"headers"`
}

type configBase struct {
	Retries uint8 `json:"retries" default:"3" validate:"lte=5"`
}

type configTree struct {
	Label string       `json:"label" default:"leaf"`
	Kids  []configTree `json:"kids" validate:"max=2"`
}

type configExample struct {
	configBase                    // an unexported struct's exported fields are set, as in JSON
	MaxRows    int                `default:"1000" env:"RIVERS_TEST_ROWS" validate:"gte=1"`
	Mode       string             `json:"mode" default:"fast" validate:"oneof=fast slow"`
	Ratio      float64            `json:"ratio" default:"0.5" validate:"gt=0,lte=1"`
	Exact      bool               `json:"exact" default:"true" env:"RIVERS_TEST_EXACT"`
	Since      time.Time          `json:"since" default:"2026-01-02T03:04:05Z"`
	Columns    []string           `json:"columns" default:"[\"id\",\"name\"]" validate:"min=1"`
	Weights    map[string]float64 `json:"weights"`
	Pair       [2]int             `json:"pair"`
	Limit      *int               `json:"limit" validate:"gte=10"`
	Blob       []byte             `json:"blob"`
	Extra      any                `json:"extra"`
	Source     configSource       `json:"source"`
	Trees      []configTree       `json:"trees"`
	Internal   func()             `json:"-"`
}

func decodeExample(t *testing.T, overrides string) (configExample, error) {
	t.Helper()
	spec := config.Of(reflect.TypeFor[configExample](), &secrets)
	if faults := spec.Faults(); len(faults) > 0 {
		t.Fatalf("faults: %+v", faults)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(overrides), &m); err != nil {
		t.Fatal(err)
	}
	v, err := spec.Decode(m)
	if err != nil {
		if !errors.Is(err, fault.ErrConfig) {
			t.Errorf("%v is no fault.ErrConfig", err)
		}
		return configExample{}, err
	}
	return v.(configExample), nil
}

func TestConfigSources(t *testing.T) {
	t.Setenv("RIVERS_TEST_PASSWORD", "hunter2")
	got, err := decodeExample(t, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	want := configExample{
		configBase: configBase{Retries: 3}, MaxRows: 1000, Mode: "fast", Ratio: 0.5, Exact: true,
		Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Columns: []string{"id", "name"},
		Source: configSource{URL: "file://./lake", Timeout: 10 * time.Minute, Password: newSecret("hunter2")},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults: %+v, want %+v", got, want)
	}

	t.Setenv("RIVERS_TEST_ROWS", " 20 ")
	t.Setenv("RIVERS_TEST_EXACT", "0")
	t.Setenv("RIVERS_TEST_OTHER", "swordfish")
	got, err = decodeExample(t, `{
		"mode": "slow", "ratio": 1, "retries": 5, "columns": ["x"], "weights": {"a": 1.5}, "pair": [1, 2], "limit": 10, "blob": "aGk=",
		"since": "2026-05-05T00:00:00Z", "extra": {"free": [1]},
		"source": {"timeout": "1m30s", "password": {"env": "RIVERS_TEST_OTHER"}, "headers": {"auth": {"env": "RIVERS_TEST_PASSWORD"}}},
		"trees": [{"kids": [{"label": "inner"}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	ten := 10
	want = configExample{
		configBase: configBase{Retries: 5}, MaxRows: 20, Mode: "slow", Ratio: 1, Exact: false,
		Since: time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC), Columns: []string{"x"}, Weights: map[string]float64{"a": 1.5},
		Pair: [2]int{1, 2}, Limit: &ten, Blob: []byte("hi"), Extra: map[string]any{"free": []any{1.0}},
		Source: configSource{
			URL: "file://./lake", Timeout: 90 * time.Second, Password: newSecret("swordfish"),
			Headers: map[string]Secret{"auth": newSecret("hunter2")},
		},
		Trees: []configTree{{Label: "leaf", Kids: []configTree{{Label: "inner"}}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("overrides: %+v, want %+v", got, want)
	}
}

func TestConfigMistakes(t *testing.T) {
	for _, tt := range []struct{ overrides, want string }{
		{`{"max_rwos": 1}`, `max_rwos: there is no such field (did you mean "max_rows"?)`},
		{`{"max_rows": 0}`, `max_rows: it is 0, want at least 1`},
		{`{"max_rows": 1.5}`, `max_rows: it is the number 1.5, want a whole number`},
		{`{"max_rows": "9"}`, `max_rows: it is a text, want a whole number`},
		{`{"max_rows": null}`, `max_rows: it is null, want a whole number`},
		{`{"retries": 300}`, `retries: it is the number 300, want a whole number between 0 and 255`},
		{`{"retries": -1}`, `retries: it is the number -1, want a whole number between 0 and 255`},
		{`{"retries": 6}`, `retries: it is 6, want at most 5`},
		{`{"mode": "fats"}`, `mode: it is "fats", want one of fast, slow (did you mean "fast"?)`},
		{`{"ratio": 0}`, `ratio: it is 0, want more than 0`},
		{`{"exact": "yes"}`, `exact: it is a text, want true or false`},
		{`{"columns": []}`, `columns: it has 0 entries, want at least 1`},
		{`{"columns": ["a", 1]}`, `columns[1]: it is the number 1, want a text`},
		{`{"columns": "a"}`, `columns: it is a text, want a list`},
		{`{"weights": {"a": true}}`, `weights["a"]: it is a truth value, want a number`},
		{`{"pair": [1]}`, `pair: it has 1 entries, want 2`},
		{`{"limit": 9}`, `limit: it is 9, want at least 10`},
		{`{"source": 1}`, `source: it is the number 1, want an object`},
		{`{"source": {"timeuot": 1}}`, `source.timeuot: there is no such field (did you mean "timeout"?)`},
		{`{"source": {"timeout": 60}}`, `source.timeout: it is the number 60, want a text such as "10m" or "1h30m"`},
		{`{"source": {"timeout": "soon"}}`, `source.timeout: it is no duration, want a text such as "10m" or "1h30m"`},
		{`{"source": {"timeout": "2h"}}`, `source.timeout: it is 2h0m0s, want less than 1h0m0s`},
		{`{"source": {"url": "nowhere"}}`, `source.url: it is no URL, want one such as https://host/path`},
		{`{"source": {"password": {"env": "RIVERS_TEST_UNSET"}}}`, `source.password: environment variable RIVERS_TEST_UNSET is not set in the process that runs the step`},
		{`{"source": {"password": {"env": "RIVERS_TEST_SHORT"}}}`, `source.password: want at least 4 letters`},
		{`{"trees": [{}, {"label": 1}]}`, `trees[1].label: it is the number 1, want a text`},
		{`{"trees": [{"kids": [{"kids": [{}, {}, {}]}]}]}`, `trees[0].kids[0].kids: it has 3 entries, want at most 2`},
		{`{"mode": 1, "pair": 2}`, "mode: it is the number 1, want a text\npair: it is the number 2, want a list"},
	} {
		t.Setenv("RIVERS_TEST_PASSWORD", "hunter2")
		t.Setenv("RIVERS_TEST_SHORT", "abc")
		_, err := decodeExample(t, tt.overrides)
		if want := "invalid config: " + tt.want; err == nil || err.Error() != want {
			t.Errorf("%s:\n%v\nwant\n%s", tt.overrides, err, want)
		}
	}
}

func TestConfigEnvironmentMistakes(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"RIVERS_TEST_ROWS", "many", "max_rows: environment variable RIVERS_TEST_ROWS: it is no number, want a whole number"},
		{"RIVERS_TEST_ROWS", "NaN", "max_rows: environment variable RIVERS_TEST_ROWS: it is no number, want a whole number"},
		{"RIVERS_TEST_EXACT", "maybe", "exact: environment variable RIVERS_TEST_EXACT: want true or false"},
		{"RIVERS_TEST_PASSWORD", "", "source.password: it is required, and not set: set the environment variable RIVERS_TEST_PASSWORD"},
		{"RIVERS_TEST_PASSWORD", "abc", "source.password: want at least 4 letters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("RIVERS_TEST_PASSWORD", "hunter2")
			t.Setenv(tt.name, tt.value)
			if _, err := decodeExample(t, `{}`); err == nil || err.Error() != "invalid config: "+tt.want {
				t.Errorf("%v\nwant %s", err, tt.want)
			}
		})
	}
}

// A request made in Go holds what Go writes, not what JSON leaves of it.
func TestConfigOfGoValues(t *testing.T) {
	t.Setenv("RIVERS_TEST_PASSWORD", "hunter2")
	spec := config.Of(reflect.TypeFor[configExample](), &secrets)
	v, err := spec.Decode(map[string]any{
		"max_rows": int64(7), "columns": []string{"a"}, "weights": map[string]int{"w": 2},
		"source": map[string]any{"timeout": time.Minute}, "trees": []configTree{{Label: "x"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := v.(configExample)
	if got.MaxRows != 7 || got.Columns[0] != "a" || got.Weights["w"] != 2 || got.Source.Timeout != time.Minute || got.Trees[0].Label != "x" {
		t.Errorf("%+v", got)
	}
	for _, refused := range []any{newSecret("hunter2"), "hunter2", []byte("hunter2"), map[string]any{"env": 7}, map[string]any{"env": "A", "b": 1}} {
		_, err := spec.Decode(map[string]any{"source": map[string]any{"password": refused}})
		if err == nil || !strings.Contains(err.Error(), `name an environment variable in its place, {"env": "NAME"}`) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%T: %v", refused, err)
		}
	}
	for _, refused := range []any{func() {}, make(chan int)} {
		if _, err := spec.Decode(map[string]any{"extra": refused}); err == nil {
			t.Errorf("%T was taken", refused)
		}
	}
}

type configFaulty struct {
	A int `json:"b"`
	B string
	C chan int
	D map[int]string
	E Secret        `default:"hunter2"`
	F configSource  `env:"F"`
	G int           `default:"0" validate:"gte=1"`
	H int           `validate:"oneof=a b"`
	I bool          `validate:"gte=1"`
	J string        `validate:"min=x"`
	K time.Duration `validate:"gte=1"`
	L int           `validate:"requried"` //nolint:revive // the mistake is the point
	M []string      `default:"a,b"`
	N struct{ o int }
}

func TestConfigStructMistakes(t *testing.T) {
	var got []string
	for _, f := range config.Of(reflect.TypeFor[configFaulty](), &secrets).Faults() {
		got = append(got, strings.TrimPrefix(f.At, "config field ")+": "+f.Message)
	}
	want := []string{
		`B: its name "b" is that of another field: give it a json tag of its own`,
		`C: a chan int has no form in JSON: use numbers, texts, lists, structs, or maps with text keys`,
		`D: a map[int]string has no form in JSON: use numbers, texts, lists, structs, or maps with text keys`,
		`E: it is a Secret with a default, which the program's source would show: set it through env`,
		`F: it is a struct with a default or env of its own: give them to its fields`,
		`G: its default "0": it is 0, want at least 1`,
		`H: its rules "oneof=a b": the rule oneof offers "a": it is no number, want a whole number`,
		`I: its rules "gte=1": the rule gte does not apply to a bool`,
		`J: its rules "min=x": the rule min needs a number: write one such as min=1`,
		`K: its rules "gte=1": the rule gte is about a duration: write one such as gte=10m`,
		`L: its rules "requried": no rule is named "requried" (did you mean "required"?); the rules are required, omitempty, gt, gte, min, lt, lte, max, eq, ne, len, oneof, url`,
		`M: its default "a,b": it is no JSON: write a list as ["a", "b"]`,
		`N.o: it is not exported, so nothing can be set in it: begin it with a capital, or remove it`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestConfigSchema(t *testing.T) {
	doc, err := json.Marshal(config.Of(reflect.TypeFor[configSource](), &secrets).Schema())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"additionalProperties":false,"properties":{` +
		`"headers":{"additionalProperties":{"additionalProperties":false,"properties":{"env":{"type":"string"}},"required":["env"],"type":"object","writeOnly":true},"type":"object"},` +
		`"password":{"$comment":"environment variable RIVERS_TEST_PASSWORD","additionalProperties":false,"properties":{"env":{"type":"string"}},"required":["env"],"type":"object","writeOnly":true},` +
		`"timeout":{"default":"10m","description":"a duration, such as \"10m\"","type":"string"},` +
		`"url":{"default":"file://./lake","format":"uri","type":"string"}},"type":"object"}`
	if string(doc) != want {
		t.Errorf("%s\nwant\n%s", doc, want)
	}
	if _, err := json.Marshal(config.Of(reflect.TypeFor[configExample](), &secrets).Schema()); err != nil {
		t.Error(err) // a type that holds itself must end somewhere
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(`{"max_rows": 1e3, "source": {"timeout": "1m"}}`)
	f.Add(`{"trees": [{"kids": [null, {}]}], "limit": null, "pair": [1, 2, 3]}`)
	f.Add(`{"columns": null, "weights": null, "since": 7, "blob": "?", "extra": null}`)
	spec := config.Of(reflect.TypeFor[configExample](), &secrets)
	f.Fuzz(func(t *testing.T, overrides string) {
		var m map[string]any
		if json.Unmarshal([]byte(overrides), &m) != nil {
			return
		}
		t.Setenv("RIVERS_TEST_PASSWORD", "hunter2")
		v, err := spec.Decode(m)
		switch {
		case err != nil && !errors.Is(err, fault.ErrConfig):
			t.Errorf("%v is no fault.ErrConfig", err)
		case err == nil && v.(configExample).MaxRows < 1:
			t.Error("a broken rule passed")
		}
	})
}
