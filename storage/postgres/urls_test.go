package postgres_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// shortly is how long a caller waits who will give up.
const shortly = 50 * time.Millisecond

// urlsOf remembers where stores were opened: a store itself does not tell its password.
type urlsOf struct{ m sync.Map }

func (u *urlsOf) open(t *testing.T, url string) storage.Storage {
	t.Helper()
	s := open(t, url)
	u.m.Store(s, url)
	return s
}

func (u *urlsOf) of(s storage.Storage) string {
	url, _ := u.m.Load(s)
	return url.(string)
}

// plain is the URL without what only a store understands.
func plain(text string) string { return with(text, "schema", "") }

// with is the URL with another value of a parameter, or without it.
func with(text, parameter, value string) string {
	u, err := url.Parse(text)
	if err != nil {
		panic(err) // we made it
	}
	q := u.Query()
	q.Set(parameter, value)
	if value == "" {
		q.Del(parameter)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func schemaOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		panic(err) // we made it
	}
	return u.Query().Get("schema")
}
