package metadata_test

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/metadata"
)

func ExampleMap() {
	m := metadata.Map{
		"rows": 12,
		"took": 90 * time.Second,
		"size": metadata.Size(1 << 20),
		"docs": metadata.URL("https://example.org/users"),
	}
	fmt.Println(string(m.AppendJSON(nil)))
	rows, ok := m.Int("rows")
	fmt.Println(rows, ok)
	// Output:
	// {"docs":{"kind":"url","value":"https://example.org/users"},"rows":{"kind":"int","value":12},"size":{"kind":"size","value":1048576},"took":{"kind":"duration","value":90000000000}}
	// 12 true
}

func ExampleMap_Normalize() {
	_, err := metadata.Map{"rows": 12, "callback": func() {}}.Normalize()
	fmt.Println(err)
	// Output: metadata "callback": a value of Go type func() has no JSON form (json: unsupported type: func()): give a number, a text, a time, or something that encodes
}

func ExampleOf() {
	v, err := metadata.Of(time.March)
	fmt.Println(v.Kind(), v, err)
	// Output: text March <nil>
}

func ExampleTable() {
	sample := metadata.Table(
		[]metadata.Column{{Name: "airport", Type: "string"}, {Name: "flights", Type: "int64"}},
		[][]any{{"ATL", 1200}, {"ORD", 986}},
	)
	fmt.Println(sample)
	// Output:
	// airport  flights
	// ATL      1200
	// ORD      986
}

func ExampleSchema() {
	fmt.Println(metadata.Schema(
		metadata.Column{Name: "id", Type: "int64"},
		metadata.Column{Name: "name", Type: "string", Nullable: true},
	))
	// Output: id int64, name string nullable
}

func ExampleColumnLineage() {
	fmt.Println(metadata.ColumnLineage(
		metadata.Derivation{Column: "id", From: []metadata.ColumnRef{{Asset: "users", Column: "id"}}},
		metadata.Derivation{Column: "total", From: []metadata.ColumnRef{{Asset: "orders", Column: "price"}, {Asset: "orders", Column: "tax"}}},
		metadata.Derivation{Column: "loaded_at"},
	))
	// Output: id ← users.id; total ← orders.price, orders.tax; loaded_at ← nothing upstream
}
