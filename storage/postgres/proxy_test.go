package postgres

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a store and its server, and fails as a network does: at a chosen message.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	conns map[net.Conn]bool
	down  bool
	// on decides about each message to the server; nil lets all pass.
	on func(message []byte) verdict
}

// verdict is what happens to a message.
type verdict int

const (
	pass   verdict = iota
	lose           // it does not reach the server, and the connection is cut
	orphan         // it reaches the server, whose answer is lost: the connection is cut when it comes
	hush           // it does not reach the server, and nobody is told
)

// newProxy returns a proxy and the URL of a store behind it.
func newProxy(t *testing.T, storeURL string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(storeURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: u.Host, conns: map[net.Conn]bool{}}
	go p.accept()
	t.Cleanup(func() {
		l.Close()
		p.set(nil, true)
	})
	u.Host = l.Addr().String()
	return p, u.String()
}

// set changes what happens to messages, and whether anything is let through. Going down cuts what is there.
func (p *proxy) set(on func([]byte) verdict, down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on, p.down = on, down
	if down {
		for c := range p.conns {
			c.Close()
		}
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		p.mu.Lock()
		if err != nil || p.down {
			client.Close()
			if err == nil {
				server.Close()
			}
			p.mu.Unlock()
			continue
		}
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		l := &line{p: p, client: client, server: server}
		go l.forth()
		go l.back()
	}
}

// line is one connection through the proxy.
type line struct {
	p              *proxy
	client, server net.Conn
	mu             sync.Mutex
	orphaned       bool
}

func (l *line) cut() {
	l.client.Close()
	l.server.Close()
}

func (l *line) forth() {
	defer l.cut()
	buffer := make([]byte, 1<<20)
	for {
		n, err := l.client.Read(buffer)
		if err != nil {
			return
		}
		l.p.mu.Lock()
		v := pass
		if l.p.on != nil {
			v = l.p.on(buffer[:n])
		}
		l.p.mu.Unlock()
		switch v {
		case lose:
			return
		case hush:
			continue
		case orphan:
			l.mu.Lock()
			l.orphaned = true
			l.mu.Unlock()
		}
		if _, err := l.server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *line) back() {
	defer l.cut()
	buffer := make([]byte, 1<<20)
	for {
		n, err := l.server.Read(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		orphaned := l.orphaned
		l.mu.Unlock()
		if orphaned {
			// Its end says that the server is done; a part of it may mean that it is still at it.
			for err == nil && !isReady(buffer[:n]) {
				var more int
				more, err = l.server.Read(buffer[n:])
				n += more
			}
			return
		}
		if _, err := l.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// isReady says whether an answer is whole: it ends with "ready for the next query", in whatever state.
func isReady(answer []byte) bool {
	return len(answer) >= 6 && bytes.Equal(answer[len(answer)-6:len(answer)-1], []byte{'Z', 0, 0, 0, 5})
}

// once gives one message a verdict: the first that says yes.
func once(v verdict, is func(message []byte) bool, then ...func()) func([]byte) verdict {
	done := false
	return func(message []byte) verdict {
		if done || !is(message) {
			return pass
		}
		done = true
		for _, f := range then {
			f()
		}
		return v
	}
}

// commits says whether a message asks for a commit.
func commits(message []byte) bool { return bytes.Contains(message, []byte("rivers_commit\x00")) }

// begins says whether a message begins a transaction.
func begins(message []byte) bool { return bytes.Contains(message, []byte("rivers_begin\x00")) }
