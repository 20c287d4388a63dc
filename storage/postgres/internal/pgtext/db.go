package pgtext

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Conn is what executes statements: a pool, a connection or a transaction of pgx.
type Conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// DB executes statements on a [Conn]. It encodes arguments of the types string, *string and
// []string. It decodes columns that are scanned into a *string, a **string or a *pgtype.Text, and
// text columns that are scanned into a *[]byte. An argument of type []byte is sent as it is. DB is
// safe for concurrent use if its Conn is.
type DB struct{ Conn }

// Exec executes a statement that returns no rows.
func (d DB) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return d.Conn.Exec(ctx, sql, encoded(args)...)
}

// Query executes a statement that returns rows. The caller closes the rows.
func (d DB) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	found, err := d.Conn.Query(ctx, sql, encoded(args)...)
	if err != nil {
		return found, err
	}
	return &rows{Rows: found}, nil
}

// QueryRow executes a statement that returns one row. Scan returns [pgx.ErrNoRows] if it returned
// none.
func (d DB) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	found, err := d.Query(ctx, sql, args...)
	return first{found, err}
}

// encoded returns the arguments with their texts encoded. It copies the list only if a text
// changes.
func encoded(args []any) []any {
	list, copied := args, false
	for i, arg := range args {
		changed := encode(arg)
		if changed == nil {
			continue
		}
		if !copied {
			list, copied = slices.Clone(args), true
		}
		list[i] = changed
	}
	return list
}

// encode returns the encoded argument, nil if it is no text or needs no encoding.
func encode(arg any) any {
	switch v := arg.(type) {
	case string:
		if !isPlain(v) {
			return Encode(v)
		}
	case *string:
		if v != nil && !isPlain(*v) {
			return Encode(*v)
		}
	case []string:
		if !slices.ContainsFunc(v, func(s string) bool { return !isPlain(s) }) {
			return nil
		}
		list := make([]string, len(v))
		for i, s := range v {
			list[i] = Encode(s)
		}
		return list
	}
	return nil
}

// rows decodes what is scanned from a row.
type rows struct{ pgx.Rows }

// Scan fills the targets from the current row.
func (r *rows) Scan(targets ...any) error {
	if err := r.Rows.Scan(targets...); err != nil {
		return err
	}
	columns := r.FieldDescriptions()
	for i, target := range targets {
		switch v := target.(type) {
		case *string:
			*v = Decode(*v)
		case **string:
			if *v != nil {
				**v = Decode(**v)
			}
		case *pgtype.Text:
			v.String = Decode(v.String)
		case *[]byte:
			if columns[i].DataTypeOID == pgtype.TextOID {
				*v = DecodeBytes(*v)
			}
		}
	}
	return nil
}

// first is the first row of an answer.
type first struct {
	rows pgx.Rows
	err  error
}

// Scan fills the targets and closes the answer.
func (f first) Scan(targets ...any) error {
	if f.err != nil {
		return f.err
	}
	defer f.rows.Close()
	if !f.rows.Next() {
		if err := f.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := f.rows.Scan(targets...); err != nil {
		return err
	}
	f.rows.Close()
	return f.rows.Err()
}
