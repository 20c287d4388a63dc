package postgres

import (
	"strings"
	"testing"
	"time"
)

// noEnvironment takes away what fills in a URL.
func noEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGOPTIONS", "PGAPPNAME", "PGTARGETSESSIONATTRS"} {
		t.Setenv(name, "")
	}
	t.Setenv("PGPASSFILE", t.TempDir())
}

func TestParse(t *testing.T) {
	noEnvironment(t)
	for text, want := range map[string]struct {
		name, schema, password string
		retryFor               time.Duration
		readers                int32
	}{
		"postgres://ann@db.example.com/shop":                       {"postgres://ann@db.example.com/shop", "rivers", "", time.Minute, 2},
		"postgresql://ann:pw@db:5433/shop?sslmode=disable":         {"postgres://ann@db:5433/shop", "rivers", "pw", time.Minute, 2},
		"postgres://ann:p%40%2F%3A@db/shop?schema=blue":            {"postgres://ann@db/shop?schema=blue", "blue", "p@/:", time.Minute, 2},
		"postgres://ann@db/shop?retry_for=5s&pool_max_conns=9":     {"postgres://ann@db/shop", "rivers", "", 5 * time.Second, 9},
		"postgres://ann@db/shop?retry_for=0":                       {"postgres://ann@db/shop", "rivers", "", 0, 2},
		"postgres://ann:pw@a:1,b:2,c/shop":                         {"", "", "", 0, 0},
		"postgres://ann:pw@a:1,b:2/shop?target_session_attrs=any":  {"postgres://ann@a:1,b:2/shop", "rivers", "pw", time.Minute, 2},
		"postgres://ann@/shop?host=/run/postgresql":                {"postgres://ann@/shop?host=%2Frun%2Fpostgresql", "rivers", "", time.Minute, 2},
		"postgres://ann@[::1]:5440/shop":                           {"postgres://ann@[::1]:5440/shop", "rivers", "", time.Minute, 2},
		"postgres://ann@db/shop?schema=Our%20%22runs%22":           {"postgres://ann@db/shop?schema=Our%20%22runs%22", `Our "runs"`, "", time.Minute, 2},
		"postgres://ann@db/shop?password=pw&application_name=shop": {"postgres://ann@db/shop", "rivers", "pw", time.Minute, 2},
	} {
		got, err := parse(text)
		if want.name == "" {
			if err == nil {
				t.Errorf("parse(%q): %+v, want an error", text, got.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("parse(%q): %v", text, err)
			continue
		}
		c := got.pool.ConnConfig
		if got.name != want.name || got.schema != want.schema || c.Password != want.password || got.retryFor != want.retryFor || got.pool.MaxConns != want.readers {
			t.Errorf("parse(%q): %s, schema %q, password %q, retry for %s, %d readers, want %+v", text, got.name, got.schema, c.Password, got.retryFor, got.pool.MaxConns, want)
		}
		if app := c.RuntimeParams["application_name"]; app != "rivers" && !strings.Contains(text, "application_name="+app) {
			t.Errorf("parse(%q): the server is told that we are %q", text, app)
		}
		if len(c.RuntimeParams) != 1 {
			t.Errorf("parse(%q): settings of the server: %v, want none of ours", text, c.RuntimeParams)
		}
		// The name for people names the same store.
		again, err := parse(got.name)
		if err != nil || again.name != got.name || again.schema != got.schema {
			t.Errorf("parse(%q): %v", got.name, err)
		}
	}
}

const secret = "hunter2"

// Every way to get a URL wrong with a password in it.
func TestParseShowsNoPassword(t *testing.T) {
	noEnvironment(t)
	const unreadable = "storage postgres://…: the URL is not to be read: want postgres://user:password@host:5432/database, with %40 for an @"
	for text, want := range map[string]string{
		"mysql://ann:hunter2@db/shop":                              "storage postgres: the URL does not begin with postgres:// or postgresql://: want postgres://user@host:5432/database",
		"host=db password=hunter2":                                 "storage postgres: the URL does not begin with postgres://",
		"postgres:hunter2":                                         "storage postgres: the URL does not begin with postgres://",
		"postgres://ann:hunter2%zz@db/shop":                        unreadable,
		"postgres://ann:hun/ter2@db/shop":                          unreadable,
		"postgres://ann:12/hunter2@db/shop":                        unreadable,
		"postgres://ann:hunter2?@db/shop":                          unreadable,
		"postgres://ann:1?hunter2@db/shop":                         unreadable,
		"postgres://ann:1#hunter2@db/shop":                         unreadable,
		"postgres://ann:12@34/hunter2@db/shop":                     unreadable,
		"postgres://ann:p@hunter2@db/shop":                         unreadable,
		"postgres://ann:hunter2@db:x/shop":                         unreadable,
		"postgres://ann:hunter2@db:99999/shop":                     "storage postgres://db:99999: invalid port",
		"postgres://ann:hunter2@db/shop?sslmode=perhaps":           "storage postgres://db: failed to configure TLS (sslmode is invalid)",
		"postgres://ann:hunter2@db/shop?connect_timeout=soon":      "storage postgres://db: invalid connect_timeout ",
		"postgres://ann:hunter2@db/shop?target_session_attrs=best": "storage postgres://db: unknown target_session_attrs value: best",
		"postgres://ann:hunter2@db/shop?retry_for=soon":            "storage postgres://db: retry_for=soon: want a duration such as 30s or 5m",
		"postgres://ann:hunter2@db/shop?retry_for=-1s":             "storage postgres://db: retry_for=-1s: want a duration such as 30s or 5m",
		"postgres://ann:hunter2@db/shop?schema=":                   "storage postgres://db: schema=: want the name of a schema, such as rivers",
		"postgres://ann:hunter2@db/shop?pool_max_conns=none":       "storage postgres://db: cannot parse pool_max_conns",
	} {
		_, err := parse(text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("parse(%q): %v\nwant %s", text, err, want)
		}
		for i := 0; err != nil && i+3 <= len(secret); i++ {
			if strings.Contains(err.Error(), secret[i:i+3]) {
				t.Errorf("parse(%q): %v\nhas %q of the password in it", text, err, secret[i:i+3])
				break
			}
		}
	}
}
