package parquet_test

import (
	"context"
	"fmt"
	"iter"
	"reflect"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/parquet"
)

// A slice of structs is a table, and may be read as a type that asks for fewer columns.
func ExampleNew() {
	type order struct {
		Customer string `parquet:"customer"`
		Amount   string `parquet:"amount,decimal(12,2)"`
		Note     *string
	}
	type amount struct {
		Amount string `parquet:"amount,decimal(12,2)"`
	}
	h := parquet.New("mem://", parquet.Options{Prefix: "etl"})
	ctx, out := context.Background(), &iohandler.OutputContext{Name: "orders"}
	if err := h.HandleOutput(ctx, out, []order{{Customer: "ann", Amount: "12.5"}, {Customer: "bob", Amount: "3"}}); err != nil {
		fmt.Println(err)
		return
	}
	value, err := h.LoadInput(ctx, &iohandler.InputContext{Name: "orders", Type: reflect.TypeFor[[]amount]()})
	fmt.Println(value, err)
	fmt.Println(out.Added["path"], out.Added["num_rows"])
	fmt.Println(out.Added["rivers/schema"])
	// Output:
	// [{12.50} {3.00}] <nil>
	// mem:///etl/orders.parquet 2
	// customer utf8, amount decimal(12, 2), Note utf8 nullable
}

// A stream is written as it comes and read as it is asked for, whatever its length.
func ExampleNew_stream() {
	type reading struct{ Sensor, Value int64 }
	var readings iter.Seq2[reading, error] = func(yield func(reading, error) bool) {
		for i := range int64(100_000) {
			if !yield(reading{i % 7, i}, nil) {
				return
			}
		}
	}
	h := parquet.New("mem://", parquet.Options{})
	ctx := context.Background()
	if err := h.HandleOutput(ctx, &iohandler.OutputContext{Name: "readings"}, readings); err != nil {
		fmt.Println(err)
		return
	}
	value, err := h.LoadInput(ctx, &iohandler.InputContext{Name: "readings", Type: reflect.TypeFor[iter.Seq2[reading, error]]()})
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := int64(0)
	for row, err := range value.(iter.Seq2[reading, error]) {
		if err != nil {
			fmt.Println(err)
			return
		}
		sum += row.Value
	}
	fmt.Println(sum)
	// Output: 4999950000
}
