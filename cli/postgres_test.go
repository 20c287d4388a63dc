package cli_test

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

// postgreSQL is the server of the scripts that need one.
var postgreSQL postgrestest.Shared

// Scripts that have the URL of an empty PostgreSQL store in $STORE.
func TestPostgresScripts(t *testing.T) {
	t.Parallel()
	postgreSQL.Server(t) // or say why not
	testscript.Run(t, testscript.Params{
		Dir: "testdata/postgres", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // with -race each of many short processes would wait a second
			env.Setenv("STORE", postgreSQL.URL(t))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}
