package postgres_test

import (
	"sync"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

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
