package blob_test

import (
	"context"
	"fmt"
	"reflect"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
)

// Any Go value makes the round trip; its data version is a hash of its bytes.
func ExampleNew() {
	h := blob.New("mem://", blob.Options{Prefix: "scratch"})
	ctx := context.Background()
	out := &iohandler.OutputContext{Name: "totals/sorted"}
	if err := h.HandleOutput(ctx, out, map[string]int{"a": 1, "b": 2}); err != nil {
		fmt.Println(err)
		return
	}
	value, err := h.LoadInput(ctx, &iohandler.InputContext{Name: "totals/sorted", Type: reflect.TypeFor[map[string]int]()})
	fmt.Println(value, err)
	fmt.Println(out.Added["path"], out.Added["num_rows"], out.DataVersion[:8])
	// Output:
	// map[a:1 b:2] <nil>
	// mem:///scratch/totals/sorted.cbor 2 a0d3af9e
}

// A mistake in a URL is said when definitions are validated, with what to do about it.
func ExampleHandler_Validate() {
	fmt.Println(blob.New("s3://lake?region=eu-west-1", blob.Options{}).Validate())
	fmt.Println(blob.New("lake", blob.Options{}).Validate())
	// Output:
	// bucket URL s3://lake: the driver of "s3://" is not linked: import _ "github.com/rivers-go/rivers/iohandler/blob/s3"
	// bucket URL "lake" has no scheme: want file://./lake
}

// With the raw codec a value that is bytes is the object, for other programs to read.
func ExampleRaw() {
	h := blob.New("mem://", blob.Options{Codec: blob.Raw()})
	ctx := context.Background()
	if err := h.HandleOutput(ctx, &iohandler.OutputContext{Name: "page"}, []byte("<html>")); err != nil {
		fmt.Println(err)
		return
	}
	value, err := h.LoadInput(ctx, &iohandler.InputContext{Name: "page", Type: reflect.TypeFor[string]()})
	fmt.Println(value, err)
	// Output: <html> <nil>
}
