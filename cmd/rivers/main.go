// Rivers starts a project, and looks into a store without the program that wrote it.
//
//	rivers init NAME                        a project that builds, runs and passes its test
//	rivers --storage PATH runs list         runs, events, logs, assets of a store
//	rivers --storage PATH db check          is the store sound?
package main

import "github.com/rivers-go/rivers/cli"

func main() { cli.StoreMain(initCommand()) }
