package rivers

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// schema is the JSON Schema (draft 2020-12) of a config struct, for forms and other programs.
func (c *configSpec) schema() map[string]any {
	properties := make(map[string]any, len(c.fields))
	var required []string
	for i := range c.fields {
		f := &c.fields[i]
		properties[f.name] = f.schema()
		if f.preset == "" && hasRule(f.rules, "required") {
			required = append(required, f.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (f *configField) schema() map[string]any {
	var s map[string]any
	switch {
	case f.nested != nil:
		s = f.nested.schema()
	case f.typ == secretType:
		s = map[string]any{
			"type": "object", "properties": map[string]any{"env": map[string]any{"type": "string"}},
			"required": []string{"env"}, "writeOnly": true,
		}
	default:
		s = typeSchema(f.typ)
	}
	if f.doc != "" {
		s["description"] = f.doc
	}
	if f.preset != "" {
		s["default"] = presetValue(f)
	}
	addRules(s, f.rules)
	return s
}

func presetValue(f *configField) any {
	v := reflect.New(f.typ).Elem()
	if err := setText(v, f.preset); err != nil || f.typ == durationType {
		return f.preset
	}
	return v.Interface()
}

func typeSchema(t reflect.Type) map[string]any {
	switch {
	case t == durationType:
		return map[string]any{"type": "string", "description": `a duration, such as "10m"`}
	case t == timeType:
		return map[string]any{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice, reflect.Array:
		return map[string]any{"type": "array", "items": typeSchema(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": typeSchema(t.Elem())}
	case reflect.Pointer:
		return typeSchema(t.Elem())
	case reflect.Struct, reflect.Interface:
		return map[string]any{}
	default:
		return map[string]any{"type": "integer"}
	}
}

// addRules translates the rules that JSON Schema has too.
func addRules(s map[string]any, rules string) {
	for rule := range strings.SplitSeq(rules, ",") {
		word, param, _ := strings.Cut(rule, "=")
		n, err := strconv.ParseFloat(param, 64)
		switch {
		case word == "oneof":
			s["enum"] = strings.Fields(param)
		case err != nil:
		case word == "gte" || word == "min":
			s[bound(s, "minimum")] = n
		case word == "lte" || word == "max":
			s[bound(s, "maximum")] = n
		case word == "gt":
			s["exclusiveMinimum"] = n
		case word == "lt":
			s["exclusiveMaximum"] = n
		}
	}
}

// bound names the keyword of a limit, which depends on what is limited.
func bound(s map[string]any, numeric string) string {
	most := numeric == "maximum"
	switch s["type"] {
	case "string":
		if most {
			return "maxLength"
		}
		return "minLength"
	case "array":
		if most {
			return "maxItems"
		}
		return "minItems"
	default:
		return numeric
	}
}

func hasRule(rules, want string) bool {
	for rule := range strings.SplitSeq(rules, ",") {
		if rule == want {
			return true
		}
	}
	return false
}

// schemas encodes the schemas of all configs, by definition.
func (v *validation) schemas() map[string][]byte {
	var all map[string][]byte
	for _, d := range v.defs {
		if d.config == nil {
			continue
		}
		if all == nil {
			all = map[string][]byte{}
		}
		doc, err := json.Marshal(d.config.schema())
		if err == nil { // defaults that JSON does not know (NaN) leave the schema out
			all[d.name] = doc
		}
	}
	return all
}
