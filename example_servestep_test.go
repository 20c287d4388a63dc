package rivers_test

import (
	"context"
	"fmt"
	"os"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/storage/memory"
)

// isolatedExample is what main and TestMain define before they call ServeStep.
func isolatedExample() *rivers.CodeRepository {
	crashes := rivers.NewAsset(rivers.AssetSpec{Name: "crashes"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
		os.Exit(3) // or a leak, a crash in C, a goroutine that panics
		return 0, nil
	})
	lives := rivers.NewAsset(rivers.AssetSpec{Name: "lives"}, func(*rivers.AssetContext, rivers.NoInput) (string, error) {
		return "well", nil
	})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "isolated", Assets: []rivers.Asset{crashes, lives},
		DefaultExecutor:  executor.Subprocess(2),
		DefaultIOHandler: blob.New("file://"+os.TempDir(), blob.Options{Prefix: "rivers-example"}), // outlives a process
	})
}

// A TestMain (or a main without cli.Main) begins like this:
//
//	func TestMain(m *testing.M) {
//		repo.ServeStep()
//		os.Exit(m.Run())
//	}
func ExampleCodeRepository_ServeStep() {
	repo := isolatedExample()
	defer repo.Close()
	if err := repo.Resolve(context.Background(), memory.New()); err != nil {
		fmt.Println(err)
	}
	res, err := repo.Materialize(context.Background(), rivers.RunRequest{})
	for _, step := range res.Steps {
		fmt.Println(step.Step, step.Outcome)
	}
	fmt.Println(err != nil)
	// Output:
	// crashes failed
	// lives succeeded
	// true
}
