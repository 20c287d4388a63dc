package postgres

import "github.com/rivers-go/rivers/storage/postgres/postgrestest"

// Server is what all tests share that do not stop it.
var Server postgrestest.Shared
