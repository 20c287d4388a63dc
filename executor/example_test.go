package executor_test

import (
	"fmt"

	"github.com/rivers-go/rivers/executor"
)

func ExampleParallel() {
	e := executor.Parallel(8)
	fmt.Println(e, e.Workers())
	// Output: parallel(8) 8
}

func ExampleInProcess() {
	e := executor.InProcess()
	fmt.Println(e, e.Workers())
	// Output: in_process 1
}

func ExampleParse() {
	_, err := executor.Parse("paralell(8)")
	fmt.Println(err)
	// Output: executor "paralell(8)": no executor of that name (did you mean "parallel"?): one of default, in_process, parallel, subprocess, parallel(8) or subprocess(2)
}
