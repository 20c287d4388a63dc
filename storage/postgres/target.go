package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// defaultSchema keeps our tables, whose names are plain words, away from those of other programs.
	defaultSchema = "rivers"
	// defaultRetry is how long a server may be away before a caller hears of it.
	defaultRetry = time.Minute
	// defaultAnswer is how long a server may take for an answer before it counts as gone,
	// defaultDoubt how long a caller whose context has ended waits for one that says what became of a
	// commit.
	defaultAnswer = time.Minute
	defaultDoubt  = 2 * time.Second
	// defaultConnect is how long one attempt to connect may take.
	defaultConnect = 10 * time.Second
	// defaultReaders is how many connections read: two serve a process that mostly writes.
	defaultReaders = 2
)

// dialer notices within half a minute that the other side of an idle connection is gone.
var dialer = net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}

// target is what a URL says: where the store is and how it is reached.
type target struct {
	pool          *pgxpool.Config
	schema        string
	retryFor      time.Duration
	answer, doubt time.Duration
	// name is the URL for people, without password and settings: it opens the same store where the
	// password comes from the environment.
	name string
}

// errSecret is said in place of what is wrong with a URL, since its parts may be those of a
// password.
var errSecret = errors.New("the URL is not to be read: want postgres://user:password@host:5432/database, with %40 for an @ in the password, " +
	"%2F for a /, %3A for a :, %23 for a #, %3F for a ? and %25 for a %, or the password in PGPASSWORD or ~/.pgpass")

// parse reads a URL. No error has a password in it.
func parse(text string) (*target, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return nil, errors.New("storage postgres: the URL does not begin with postgres:// or postgresql://: want postgres://user@host:5432/database")
	}
	u, err := url.Parse(text)
	// A second @, or one behind the host, belongs to a password, and parsers differ in what they make
	// of it.
	authority, _, _ := strings.Cut(strings.NewReplacer("?", "/", "#", "/").Replace(rest), "/")
	if at := strings.Count(rest, "@"); err != nil || at > 1 || at > strings.Count(authority, "@") {
		return nil, fmt.Errorf("storage %s://…: %w", scheme, errSecret)
	}
	t := &target{schema: defaultSchema, retryFor: defaultRetry, answer: defaultAnswer, doubt: defaultDoubt}
	if t.pool, err = pgxpool.ParseConfig(text); err != nil {
		return nil, fmt.Errorf("storage %s://%s: %w", scheme, u.Host, parseReason(err))
	}
	c := t.pool.ConnConfig
	settings := c.RuntimeParams
	if schema, given := settings["schema"]; given {
		t.schema = schema
		delete(settings, "schema")
	}
	if text, given := settings["retry_for"]; given {
		t.retryFor, err = time.ParseDuration(text)
		if err != nil || t.retryFor < 0 {
			return nil, fmt.Errorf("storage %s://%s: retry_for=%s: want a duration such as 30s or 5m", scheme, u.Host, text)
		}
		delete(settings, "retry_for")
	}
	if t.schema == "" || strings.ContainsRune(t.schema, 0) {
		return nil, fmt.Errorf("storage %s://%s: schema=%s: want the name of a schema, such as %s", scheme, u.Host, t.schema, defaultSchema)
	}
	if settings["application_name"] == "" {
		settings["application_name"] = "rivers"
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultConnect
	}
	c.DialFunc = dialer.DialContext
	if !u.Query().Has("pool_max_conns") {
		t.pool.MaxConns = defaultReaders
	}
	t.name = describe(c, t.schema)
	return t, nil
}

// parseReason is what pgx says of a URL that is one, without the URL.
func parseReason(err error) error {
	text := err.Error()
	return errors.New(strings.TrimPrefix(text[strings.LastIndexByte(text, '`')+1:], ": "))
}

// describe makes the URL for people.
func describe(c *pgx.ConnConfig, schema string) string {
	u := url.URL{Scheme: "postgres", User: url.User(c.User), Path: "/" + c.Database}
	query := url.Values{}
	hosts := []string{host(c.Host, c.Port)}
	for _, f := range c.Fallbacks { // one host may be there twice, with TLS and without
		if h := host(f.Host, f.Port); !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	if strings.HasPrefix(c.Host, "/") { // the directory of a socket
		query.Set("host", c.Host)
	} else {
		u.Host = strings.Join(hosts, ",")
	}
	if schema != defaultSchema {
		query.Set("schema", schema)
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // libpq does not know the + of forms
	return u.String()
}

func host(name string, port uint16) string {
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if port == 5432 {
		return name
	}
	return name + ":" + strconv.Itoa(int(port))
}

// connect opens a connection of its own, with the settings of every one of ours and more.
func (t *target) connect(ctx context.Context, more string) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, t.pool.ConnConfig)
	if err != nil {
		return nil, err
	}
	if err := t.prepare(ctx, conn, more); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// prepare makes the settings of a connection. They are statements, since a pooler in between
// refuses most parameters of a start.
func (t *target) prepare(ctx context.Context, conn *pgx.Conn, more string) error {
	_, err := conn.PgConn().Exec(ctx, "SET search_path TO "+pgx.Identifier{t.schema}.Sanitize()+"; "+more).ReadAll()
	return err
}

// readers opens the pool of reading connections; none is made before it is needed.
func (t *target) readers(ctx context.Context) (*pgxpool.Pool, error) {
	c := t.pool.Copy()
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		return t.prepare(ctx, conn, "SET default_transaction_read_only TO on")
	}
	return pgxpool.NewWithConfig(ctx, c)
}
