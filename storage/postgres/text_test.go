package postgres

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// TestTextsPassTheServer sends texts that the server refuses in each way that a query sends and reads them.
func TestTextsPassTheServer(t *testing.T) {
	t.Parallel()
	const odd = "a\x00\x01\xffü"
	_, s := newStore(t)
	db := pgtext.DB{Conn: s.pool}
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		var text, stored string
		var optional, none *string
		var nullable pgtype.Text
		var document, raw []byte
		pointed := odd
		err := db.QueryRow(t.Context(), `SELECT $1::text, $1::text, NULL::text, $2::text, $3::text, decode('010200', 'hex'), encode(convert_to($1, 'UTF8'), 'hex')`,
			mode, odd, &pointed, odd).Scan(&text, &optional, &none, &nullable, &document, &raw, &stored)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if text != odd || optional == nil || *optional != odd || none != nil || nullable.String != odd || string(document) != odd {
			t.Errorf("%s: read %q, %v, %v, %q, %q, want %q", mode, text, optional, none, nullable.String, document, odd)
		}
		if !bytes.Equal(raw, []byte{1, 2, 0}) || stored != "610101010201036666c3bc" {
			t.Errorf("%s: bytes are %x, the text is stored as %s", mode, raw, stored)
		}
		var found bool
		if err := db.QueryRow(t.Context(), `SELECT $1::text = ANY($2::text[])`, mode, odd, []string{"plain", odd}).Scan(&found); err != nil || !found {
			t.Errorf("%s: found in an array: %t, %v", mode, found, err)
		}
	}
}
