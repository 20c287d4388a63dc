package subprocess

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// kind describes what a message is. Which side sends it and what it carries stands beside it.
type kind byte

const (
	kindOrder  kind = 1 + iota // parent: Order, the first message
	kindStop                   // parent: stop
	kindAnswer                 // parent: answer, to a call
	kindLog                    // child: storage.LogLine
	kindCall                   // child: call
	kindDrop                   // child: drop, nobody waits for the answers of a call now
	kindReport                 // child: engine.Report, the last message
)

// conn is one end of the connection. Any goroutine may send; one receives.
//
// The receiver never sends: then an end that is told to read always reads, and the two cannot wait
// for each other with both directions full.
type conn struct {
	stream io.ReadWriter
	in     *bufio.Reader

	mu  sync.Mutex // held while a message is written
	buf []byte
}

func newConn(stream io.ReadWriter) *conn { return &conn{stream: stream, in: bufio.NewReader(stream)} }

// send writes one message: its kind, its length, its bytes. No length is too large.
func (c *conn) send(k kind, v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	const head = 1 + binary.MaxVarintLen64
	b, err := encode(append(c.buf[:0], make([]byte, head)...), v)
	if err != nil {
		return err
	}
	if c.buf = b; cap(b) > 1<<20 {
		c.buf = nil // one large message need not be paid for ever
	}
	var size [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(size[:], uint64(len(b)-head))
	start := head - 1 - n
	b[start] = byte(k)
	copy(b[start+1:], size[:n])
	_, err = c.stream.Write(b[start:])
	return err
}

// receive reads one message. The end of the stream is io.EOF, also in the middle of a message: the
// process that was writing it is gone, and a part of a message is worthless.
func (c *conn) receive() (kind, []byte, error) {
	k, err := c.in.ReadByte()
	if err != nil {
		return 0, nil, ended(err)
	}
	if kind(k) < kindOrder || kind(k) > kindReport {
		return 0, nil, fmt.Errorf("a message of kind %d, and there is none", k)
	}
	n, err := binary.ReadUvarint(c.in)
	if err != nil {
		return 0, nil, ended(err)
	}
	const trusted = 1 << 20 // what is believed without having seen it
	if n <= trusted {
		b := make([]byte, n)
		_, err = io.ReadFull(c.in, b)
		return kind(k), b, ended(err)
	}
	var b bytes.Buffer
	_, err = io.CopyN(&b, c.in, int64(min(n, 1<<62)))
	return kind(k), b.Bytes(), ended(err)
}

func ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// greeting is the first line that a child writes. Every build there is or will be begins with it,
// so that two that differ can tell each other so before they misunderstand anything.
const greeting = "rivers step 1 "

// maxGreeting bounds what is read of somebody who may be anybody.
const maxGreeting = 4 << 10

// greet reports which build this process is.
func (c *conn) greet(build string) error {
	_, err := io.WriteString(c.stream, greeting+build+"\n")
	return err
}

// greeted reads what the other side said to be.
func (c *conn) greeted() (build string, err error) {
	var line []byte
	for {
		b, err := c.in.ReadByte()
		if err != nil {
			return "", ended(err)
		}
		if b == '\n' {
			break
		}
		if line = append(line, b); len(line) > maxGreeting {
			break
		}
	}
	build, ok := strings.CutPrefix(string(line), greeting)
	if !ok {
		return "", fmt.Errorf("it began with %.60q, and not with %q", line, greeting)
	}
	return build, nil
}
