package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rivers-go/rivers/storage"
)

// The SQLSTATEs that mean something to us.
const (
	uniqueViolation     = "23505"
	serializationFailed = "40001"
	deadlockDetected    = "40P01"
	readOnlyTransaction = "25006"
	idleInTransaction   = "25P03" // idle_in_transaction_session_timeout
	lockNotAvailable    = "55P03"
	undefinedTable      = "42P01"
	undefinedColumn     = "42703"
	duplicateTable      = "42P07"
	invalidSchema       = "3F000"
	invalidDatabase     = "3D000"
	invalidPassword     = "28P01"
	invalidUser         = "28000"
	noPrivilege         = "42501"
	tooManyConnections  = "53300"
	diskFull            = "53100"
	invalidParameter    = "22023"
	unknownSetting      = "42704"
	starting            = "57P03"
	duplicateStatement  = "42P05"
	invalidStatement    = "26000"
)

// code returns the SQLSTATE of an error, empty for one that is not the server's.
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// isGone reports whether a connection or the server is away and may return, so that the operation
// may be repeated.
func isGone(err error) bool {
	if errors.Is(err, errStandby) || errors.Is(err, errSilent) {
		return true
	}
	switch c := code(err); {
	case c == "":
	case strings.HasPrefix(c, "57P0"), strings.HasPrefix(c, "08"):
		return true // told to end, starting up, the connection's own faults
	default:
		return c == tooManyConnections || c == readOnlyTransaction || c == idleInTransaction
	}
	if _, dialed := errors.AsType[*pgconn.ConnectError](err); dialed {
		return true
	}
	if _, network := errors.AsType[net.Error](err); network {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// isConflict reports whether a transaction conflicted with another one and must be repeated.
func isConflict(err error) bool {
	switch code(err) {
	case serializationFailed, deadlockDetected, uniqueViolation:
		return true
	}
	return false
}

// reason is a short text of an error, without the parameters of the connection.
func reason(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code)
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return e.Unwrap().Error()
	}
	return err.Error()
}

// pooled is the remedy for lost prepared statements.
const pooled = "does a pooler in transaction mode stand before the server? let it pool sessions, or go past it"

// remedies are the remedies for errors of the server.
var remedies = map[string]string{
	duplicateStatement:  pooled,
	invalidStatement:    pooled,
	readOnlyTransaction: "the server takes no writes: is it a standby, or does a pooler in transaction mode stand before it?",
	invalidPassword:     "give the right password in the URL, in PGPASSWORD or in ~/.pgpass",
	invalidUser:         "let this user in by the server's pg_hba.conf, or give another URL",
	invalidDatabase:     "create the database (createdb -E UTF8 NAME), or give another URL",
	noPrivilege:         "the user needs CREATE on the database, or a schema of its own (CREATE SCHEMA name AUTHORIZATION user), named by schema= in the URL",
	tooManyConnections:  "raise max_connections of the server, or put a pooler before it",
	diskFull:            "free some space on the server and try again",
	lockNotAvailable:    "another session has held rows of the store for over " + lockTimeout + ": pg_stat_activity shows it",
	unknownSetting:      "parameters that are not known here are settings of the server: schema, retry_for, pool_max_conns and those of libpq are known",
}

// explain adds the store, the operation and a remedy to an error. A nil error stays nil.
func (t *target) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*storage.SchemaError](err); ours {
		return err // it tells all of this
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("store %s: %s: %w", t.name, doing, err)
	}
	c := code(err)
	if remedy := remedies[c]; remedy != "" {
		return &failure{fmt.Sprintf("store %s: %s: %s: %s", t.name, doing, reason(err), remedy), err}
	}
	if c == "" && isGone(err) {
		return &failure{fmt.Sprintf("store %s: %s: %s: is the server running, and does it listen there?", t.name, doing, reason(err)), err}
	}
	return &failure{fmt.Sprintf("store %s: %s: %s", t.name, doing, reason(err)), err}
}

// failure is an error in our words, which callers may unwrap. pgx's own text repeats its
// configuration and is left out.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }
