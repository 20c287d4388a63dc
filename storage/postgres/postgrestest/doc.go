// Package postgrestest starts a PostgreSQL server for tests and benchmarks, from the binaries that
// are installed, in a temporary directory and on a free port. It asks for no configuration, touches
// no server that is there, and leaves nothing behind.
//
//	var server postgrestest.Shared // one server for the tests of a package
//
//	func TestSomething(t *testing.T) {
//		store, err := postgres.Open(t.Context(), server.URL(t)) // an empty store of its own
//
// Where PostgreSQL is not installed, tests that ask for it are skipped and say how to install it;
// with RIVERS_REQUIRE_POSTGRES=1 in the environment they fail.
//
// The server ends with the process that started it, however that ends: a shell waits on a pipe
// whose other end only that process has, and what it does when the pipe closes is to stop the
// server and to remove its directory. PostgreSQL refuses to run as root, so under root all of it
// belongs to the user postgres, or nobody where there is none.
package postgrestest
