package storage

import (
	"strconv"
	"strings"
)

// quickDetail parses the most frequent details as [Detail.AppendJSON] writes them: versions,
// inputs, tags, partitions, an action. It returns false for anything else, such as escapes, text
// beyond ASCII, white space, and fields in another order or repeated.
func quickDetail(data []byte) (d Detail, ok bool) {
	q := quick{rest: string(data)} // whose parts the detail is made of
	q.byte('{')
	if q.field("data_version") {
		d.Data = q.text()
	}
	if q.field("code_version") {
		d.Code = q.text()
	}
	if q.field("write") {
		d.Write = q.text()
	}
	if q.field("tags") {
		d.Tags = q.texts()
	}
	if q.field("inputs") {
		d.Inputs = q.texts()
	}
	if q.field("read_seq") {
		d.ReadSeq = q.number()
	}
	if q.field("outputs") {
		d.Outputs = q.texts()
	}
	if q.field("partitions") {
		err := d.Partitions.UnmarshalText([]byte(q.text()))
		q.other = q.other || err != nil
	}
	if q.field("action") {
		d.Action = q.text()
	}
	q.byte('}')
	return d, !q.other && q.rest == ""
}

// quick is a reader that gives up, and then reads nothing.
type quick struct {
	rest  string
	more  bool // something was read of the object that is read
	other bool // than what it can read
}

// byte reads a byte that must come next.
func (q *quick) byte(want byte) {
	if q.rest == "" || q.rest[0] != want {
		q.other = true
		return
	}
	q.rest = q.rest[1:]
}

// field reads the name of a field, if it comes next.
func (q *quick) field(name string) bool {
	rest := q.rest
	if q.more && !strings.HasPrefix(rest, ",") {
		return false
	}
	if q.more {
		rest = rest[1:]
	}
	if n := len(name) + len(`"":`); len(rest) < n || rest[0] != '"' || rest[1:n-2] != name || rest[n-2:n] != `":` {
		return false
	}
	q.rest, q.more = rest[len(name)+len(`"":`):], true
	return true
}

func (q *quick) text() string {
	q.byte('"')
	for i := 0; i < len(q.rest) && !q.other; i++ {
		switch c := q.rest[i]; {
		case c == '"':
			text := q.rest[:i]
			q.rest = q.rest[i+1:]
			return text
		case c < ' ' || c > '~' || c == '\\':
			q.other = true
		}
	}
	q.other = true
	return ""
}

func (q *quick) texts() map[string]string {
	q.byte('{')
	m := map[string]string{}
	for !q.other {
		if len(m) > 0 {
			q.byte(',')
		}
		key := q.text()
		q.byte(':')
		if m[key] = q.text(); strings.HasPrefix(q.rest, "}") {
			break
		}
	}
	q.byte('}')
	return m
}

func (q *quick) number() int64 {
	end := 0
	for end < len(q.rest) && '0' <= q.rest[end] && q.rest[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(q.rest[:end], 10, 64)
	q.other = q.other || err != nil || q.rest[0] == '0'
	q.rest = q.rest[end:]
	return n
}
