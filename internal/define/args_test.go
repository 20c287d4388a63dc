package define

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/config"
)

type rules struct {
	Max int `json:"max" default:"3"`
}

// previous stands for the root package's SelfDependency.
type previous[T any] struct{ _ [0]T }

func (previous[T]) wrapped() reflect.Type { return reflect.TypeFor[T]() }

// testFace recognises previous and no secrets.
var testFace = Face{
	Unwrap: func(zero reflect.Value) Wrapper {
		p, ok := reflect.TypeAssert[interface{ wrapped() reflect.Type }](zero)
		if !ok {
			return Wrapper{}
		}
		return Wrapper{Type: p.wrapped(), Self: func(reflect.Value, any) error { return nil }}
	},
	Result:  func(t reflect.Type) Result { return Result{Type: t} },
	Secrets: &config.Secrets{},
}

func argsOf[In any]() *Args { return ArgsOf(reflect.TypeFor[In](), &testFace) }

func TestArguments(t *testing.T) {
	t.Parallel()
	words := [...]string{"value", "config", "self"}
	for _, tt := range []struct {
		args   *Args
		fields []string
		faults []string
	}{
		{args: argsOf[struct{}]()},
		{
			args: argsOf[struct {
				RawOrders []int
				Src       []int `rivers:"orders_2024"`
				Before    previous[map[string]int]
				DB        io.Reader
				Cfg       rules `rivers:",config"`
			}](),
			fields: []string{
				"RawOrders raw_orders value []int", "Src orders_2024 value []int",
				"Before before self map[string]int", "DB db value io.Reader", "Cfg cfg config define.rules",
			},
		},
		{args: argsOf[int](), faults: []string{"argument: the second parameter is a int: make it a struct with an exported field per input, or rivers.NoInput"}},
		{args: argsOf[*struct{}](), faults: []string{"argument: the second parameter is a *struct {}: make it a struct with an exported field per input, or rivers.NoInput"}},
		{args: argsOf[any](), faults: []string{"argument: the second parameter is a interface {}: make it a struct with an exported field per input, or rivers.NoInput"}},
		{
			args: argsOf[struct {
				time.Time
				_ int
				a int
				B int `rivers:"b-"`
			}](),
			fields: []string{"B b- value int"},
			faults: []string{
				"input Time: the field is embedded: give it a name of its own",
				"input _: the field is not exported, so nothing can be handed to it: begin it with a capital, or remove it",
				"input a: the field is not exported, so nothing can be handed to it: begin it with a capital, or remove it",
			},
		},
		{
			args: argsOf[struct {
				A int `rivers:""`
				B int `rivers:"b c"`
				C int `rivers:"c,cfg"`
				D int `rivers:"d,config"`
				E int `rivers:"-"`
			}](),
			faults: []string{
				"input A: the tag `rivers:\"\"`: the name is empty: give one of letters, digits, _, - and ., beginning with a letter or _",
				"input B: the tag `rivers:\"b c\"`: the name \"b c\" has a ' ': use letters, digits, _, - and . only",
				"input C: the tag `rivers:\"c,cfg\"` has the option \"cfg\": the only one is config",
				"input D: the tag `rivers:\"d,config\"` names a config, which has no name: write `rivers:\",config\"`",
				"input E: the tag `rivers:\"-\"`: the name \"-\" begins with '-': begin with a letter or _",
			},
		},
		{
			args: argsOf[struct {
				Users []int
				Again []int `rivers:"users"`
				One   previous[int]
				Two   previous[int]
				C     rules  `rivers:",config"`
				D     rules  `rivers:",config"`
				E     *rules `rivers:"e"`
			}](),
			fields: []string{"Users users value []int", "One one self int", "C c config define.rules", "D d config define.rules", "E e value *define.rules"},
			faults: []string{
				`input Again: it asks for "users", and so does Users: one field is enough`,
				`input Two: One is the previous value too: one SelfDependency is enough`,
				`input D: C is a config too: put both into one struct`,
			},
		},
		{
			args: argsOf[struct {
				C *rules `rivers:",config"`
			}](), fields: []string{"C c config *define.rules"},
			faults: []string{"input C: the config is a *define.rules: make it a struct"},
		},
	} {
		var fields, faults []string
		for _, f := range tt.args.fields {
			fields = append(fields, fmt.Sprint(f.field, " ", f.name, " ", words[f.role], " ", f.typ))
		}
		for _, f := range tt.args.faults {
			faults = append(faults, f.At+": "+f.Message)
		}
		if !slices.Equal(fields, tt.fields) || !slices.Equal(faults, tt.faults) {
			t.Errorf("%s:\nfields %q\nwant   %q\nfaults\n%s\nwant\n%s", tt.args.typ, fields, tt.fields, strings.Join(faults, "\n"), strings.Join(tt.faults, "\n"))
		}
	}
}
