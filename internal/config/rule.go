package config

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rivers-go/rivers/internal/fault"
)

// rule is one rule of a field's validate tag, such as gte=1. The words are those of
// go-playground/validator, which people know; the package itself is not used, for it adds four
// megabytes and as many milliseconds to a program that starts in twelve.
type rule struct {
	word, param string
	// limit is the parameter of a rule that measures: a number, a length, or nanoseconds.
	limit float64
	// choices are the parameters of oneof.
	choices []string
}

// ruleWords are the rules there are.
var ruleWords = []string{"required", "omitempty", "gt", "gte", "min", "lt", "lte", "max", "eq", "ne", "len", "oneof", "url"}

// rulesOf reads a validate tag for a field of type k.
func rulesOf(tag string, k *kind) ([]rule, error) {
	if tag == "" {
		return nil, nil
	}
	for k.form == pointerForm { // a rule is about what is pointed to
		k = k.elem
	}
	var rules []rule
	var errs []error
	for text := range strings.SplitSeq(tag, ",") {
		r := rule{}
		r.word, r.param, _ = strings.Cut(text, "=")
		if err := r.read(k); err != nil {
			errs = append(errs, err)
			continue
		}
		rules = append(rules, r)
	}
	return rules, errors.Join(errs...)
}

// read checks a rule's parameter and whether it applies to values of type k.
func (r *rule) read(k *kind) error {
	switch r.word {
	case "required", "omitempty":
		if r.param != "" {
			return fmt.Errorf("the rule %s takes no parameter", r.word)
		}
		return nil
	case "oneof":
		if r.choices = strings.Fields(r.param); len(r.choices) == 0 {
			return errors.New("the rule oneof lists no choice: write oneof=a b c")
		}
		if k.form != bareForm || k.typ.Kind() == reflect.Bool {
			return fmt.Errorf("the rule oneof is for texts and numbers, this is a %s", k.typ)
		}
		for _, choice := range r.choices {
			if errs := k.setText(reflect.New(k.typ).Elem(), choice); len(errs) > 0 {
				return fmt.Errorf("the rule oneof offers %q: %w", choice, errs[0])
			}
		}
		return nil
	case "url":
		if k.typ.Kind() != reflect.String {
			return fmt.Errorf("the rule url is for texts, this is a %s", k.typ)
		}
		return nil
	}
	if !slices.Contains(ruleWords, r.word) {
		return fmt.Errorf("no rule is named %q%s; the rules are %s", r.word, fault.Suggestion(r.word, slices.Values(ruleWords)), strings.Join(ruleWords, ", "))
	}
	return r.readLimit(k)
}

func (r *rule) readLimit(k *kind) error {
	if k.form == durationForm {
		d, err := time.ParseDuration(r.param)
		if err != nil {
			return fmt.Errorf(`the rule %s is about a duration: write one such as %s=10m`, r.word, r.word)
		}
		r.limit = float64(d)
		return nil
	}
	if unit, ok := k.unit(); !ok || r.word == "len" && unit == "" {
		return fmt.Errorf("the rule %s does not apply to a %s", r.word, k.typ)
	}
	var err error
	if r.limit, err = strconv.ParseFloat(r.param, 64); err != nil {
		return fmt.Errorf("the rule %s needs a number: write one such as %s=1", r.word, r.word)
	}
	return nil
}

// unit returns the unit of a value: nothing for a number, letters or entries; false for what
// has no measure.
func (k *kind) unit() (string, bool) {
	switch {
	case k.form == secretForm:
		return "letters", true
	case k.form == listForm, k.form == tableForm:
		return "entries", true
	case k.form == durationForm:
		return "", true
	case k.form != bareForm || k.typ.Kind() == reflect.Bool:
		return "", false
	case k.typ.Kind() == reflect.String:
		return "letters", true
	}
	return "", true
}

// measure is the number that rules compare.
func (k *kind) measure(v reflect.Value) float64 {
	switch {
	case k.form == secretForm:
		return float64(utf8.RuneCountInString(k.secrets.Reveal(v)))
	case k.form == listForm, k.form == tableForm:
		return float64(v.Len())
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case v.CanFloat():
		return v.Float()
	}
	return float64(utf8.RuneCountInString(v.String()))
}

// check applies the rules of a filled struct; path is where it stands, with a dot behind.
func (c *Spec) check(v reflect.Value, path string) []error {
	var errs []error
	for i := range c.fields {
		f := &c.fields[i]
		at, value := path+f.name, v.FieldByIndex(f.index)
		for _, err := range f.broken(value) {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
		errs = append(errs, f.kind.check(value, at)...)
	}
	return errs
}

// check applies the rules of the structs that a value holds.
func (k *kind) check(v reflect.Value, at string) []error {
	var errs []error
	switch k.form {
	case objectForm:
		return k.object.check(v, at+".")
	case pointerForm:
		if !v.IsNil() {
			return k.elem.check(v.Elem(), at)
		}
	case listForm:
		for i := range v.Len() {
			errs = append(errs, k.elem.check(v.Index(i), fmt.Sprintf("%s[%d]", at, i))...)
		}
	case tableForm:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			errs = append(errs, k.elem.check(v.MapIndex(key), fmt.Sprintf("%s[%q]", at, key))...)
		}
	}
	return errs
}

// broken returns the rules of the field that a value breaks.
func (f *field) broken(v reflect.Value) []error {
	var errs []error
	zero := v.IsZero()
	k := f.kind
	for k.form == pointerForm && !v.IsNil() {
		k, v = k.elem, v.Elem()
	}
	for i := range f.rules {
		r := &f.rules[i]
		switch {
		case r.word == "omitempty" && zero:
			return errs
		case r.word == "required" && zero:
			return append(errs, f.missing())
		case r.word == "omitempty", r.word == "required", k.form == pointerForm: // no value, nothing to measure
		default:
			if err := r.judge(k, v); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errs
}

// missing is the error for a required field that nothing sets.
func (f *field) missing() error {
	switch {
	case f.env == "":
		return errors.New("it is required, and not set: set it in the run's config")
	case f.kind.holdsSecret():
		return fmt.Errorf("it is required, and not set: set the environment variable %s", f.env)
	}
	return fmt.Errorf("it is required, and not set: set it in the run's config, or through the environment variable %s", f.env)
}

// judge describes how a value breaks the rule, nil if it does not.
func (r *rule) judge(k *kind, v reflect.Value) error {
	switch r.word {
	case "oneof":
		text := fmt.Sprint(v.Interface())
		if slices.Contains(r.choices, text) {
			return nil
		}
		return fmt.Errorf("it is %q, want one of %s%s", text, strings.Join(r.choices, ", "), fault.Suggestion(text, slices.Values(r.choices)))
	case "url":
		u, err := url.Parse(v.String())
		if err == nil && u.Scheme != "" && (u.Host != "" || u.Path != "" || u.Opaque != "") {
			return nil
		}
		return errors.New("it is no URL, want one such as https://host/path") // the text may hold a password
	}
	n := k.measure(v)
	if r.allows(n) {
		return nil
	}
	unit, _ := k.unit()
	switch {
	case k.form == durationForm:
		return fmt.Errorf("it is %s, want %s %s", v.Interface(), r.phrase(), time.Duration(r.limit))
	case k.form == secretForm:
		return fmt.Errorf("want %s %s %s", r.phrase(), r.param, unit)
	case unit != "":
		return fmt.Errorf("it has %v %s, want %s %s", n, unit, r.phrase(), r.param)
	}
	return fmt.Errorf("it is %v, want %s %s", v.Interface(), r.phrase(), r.param)
}

func (r *rule) allows(n float64) bool {
	switch r.word {
	case "gt":
		return n > r.limit
	case "gte", "min":
		return n >= r.limit
	case "lt":
		return n < r.limit
	case "lte", "max":
		return n <= r.limit
	case "ne":
		return n != r.limit
	default: // eq, len
		return n == r.limit
	}
}

// phrase is the rule in words, before its parameter.
func (r *rule) phrase() string {
	switch r.word {
	case "gt":
		return "more than"
	case "gte", "min":
		return "at least"
	case "lt":
		return "less than"
	case "lte", "max":
		return "at most"
	case "ne":
		return "anything but"
	default:
		return "exactly"
	}
}
