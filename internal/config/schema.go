package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Schema returns the struct's JSON Schema (draft 2020-12), for forms and other programs.
func (c *Spec) Schema() map[string]any { return c.schemaIn(nil) }

// schemaIn leaves a struct open where it stands inside itself.
func (c *Spec) schemaIn(outer []*Spec) map[string]any {
	if slices.Contains(outer, c) {
		return map[string]any{"type": "object"}
	}
	outer = append(slices.Clip(outer), c)
	properties := make(map[string]any, len(c.fields))
	var required []string
	for i := range c.fields {
		f := &c.fields[i]
		properties[f.name] = f.schema(outer)
		if !f.given && f.env == "" && f.hasRule("required") {
			required = append(required, f.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (f *field) schema(outer []*Spec) map[string]any {
	s := f.kind.schema(outer)
	if f.doc != "" {
		s["description"] = f.doc
	}
	if f.given {
		s["default"] = f.presetValue()
	}
	if f.env != "" {
		s["$comment"] = "environment variable " + f.env
	}
	for i := range f.rules {
		f.rules[i].addTo(s)
	}
	return s
}

func (f *field) hasRule(word string) bool {
	return slices.ContainsFunc(f.rules, func(r rule) bool { return r.word == word })
}

// presetValue is the default as a request would write it.
func (f *field) presetValue() any {
	v := reflect.New(f.kind.typ).Elem()
	if errs := f.kind.setText(v, f.preset); len(errs) > 0 || f.kind.form == durationForm {
		return f.preset
	}
	return v.Interface()
}

func (k *kind) schema(outer []*Spec) map[string]any {
	switch k.form {
	case objectForm:
		return k.object.schemaIn(outer)
	case secretForm:
		return map[string]any{
			"type": "object", "properties": map[string]any{"env": map[string]any{"type": "string"}},
			"required": []string{"env"}, "additionalProperties": false, "writeOnly": true,
		}
	case durationForm:
		return map[string]any{"type": "string", "description": `a duration, such as "10m"`}
	case listForm:
		return map[string]any{"type": "array", "items": k.elem.schema(outer)}
	case tableForm:
		return map[string]any{"type": "object", "additionalProperties": k.elem.schema(outer)}
	case pointerForm:
		return k.elem.schema(outer)
	case ownForm, anyForm:
		if k.typ == reflect.TypeFor[time.Time]() {
			return map[string]any{"type": "string", "format": "date-time"}
		}
		return map[string]any{}
	}
	switch k.typ.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	default:
		return map[string]any{"type": "integer"}
	}
}

// addTo adds the rule, where JSON Schema can express it.
func (r *rule) addTo(s map[string]any) {
	least, most := "minimum", "maximum"
	switch s["type"] {
	case "string":
		least, most = "minLength", "maxLength"
	case "array":
		least, most = "minItems", "maxItems"
	case "object":
		least, most = "minProperties", "maxProperties"
	}
	switch {
	case r.word == "url":
		s["format"] = "uri"
	case r.word == "oneof":
		s["enum"] = r.enum(s["type"] == "string")
	case s["writeOnly"] != nil, strings.TrimLeft(r.param, "-.0123456789") != "": // a secret, a duration
	case r.word == "gte", r.word == "min":
		s[least] = r.limit
	case r.word == "lte", r.word == "max":
		s[most] = r.limit
	case r.word == "len":
		s[least], s[most] = r.limit, r.limit
	case r.word == "gt" && least == "minimum":
		s["exclusiveMinimum"] = r.limit
	case r.word == "lt" && least == "minimum":
		s["exclusiveMaximum"] = r.limit
	}
}

// enum are the choices of oneof as a request writes them.
func (r *rule) enum(texts bool) []any {
	choices := make([]any, len(r.choices))
	for i, c := range r.choices {
		choices[i] = c
		if !texts {
			choices[i] = json.Number(c)
		}
	}
	return choices
}
