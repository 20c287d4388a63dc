package sqlite

import (
	"database/sql/driver"
	"strings"
)

// sizes are the numbers of rows a statement inserts, the largest first. A statement for each number
// would cost more to prepare than it saves; the small ones are what a run of one step needs.
var sizes = [...]int{256, 32, 8, 4, 3, 2, 1}

// inserter collects the rows of one table and writes them in as few statements as the sizes allow.
// What it holds at the end of a transaction must be flushed, or dropped when it is rolled back.
type inserter struct {
	w *writer
	// insert is the statement up to its VALUES, conflict what follows them; columns is the width. A
	// value that all rows of a statement share comes before the others and is bound once: binding is
	// most of what a row costs.
	insert, conflict string
	columns          int
	shares           bool
	shared           int64

	prepared [len(sizes)]*statement
	args     []driver.NamedValue
	rows     int
}

// row returns the arguments of the next row to fill in. A full load is written first.
func (in *inserter) row() ([]driver.NamedValue, error) {
	if in.rows == sizes[0] {
		if err := in.flush(); err != nil {
			return nil, err
		}
	}
	from := in.first() + in.rows*in.columns
	for len(in.args) < from+in.columns {
		in.args = append(in.args, driver.NamedValue{Ordinal: len(in.args) + 1})
	}
	in.rows++
	return in.args[from : from+in.columns], nil
}

// share sets the value that the next rows share, after writing those that have another one.
func (in *inserter) share(value int64) error {
	if in.rows > 0 && in.shared != value {
		if err := in.flush(); err != nil {
			return err
		}
	}
	in.shared = value
	return nil
}

// first is where the arguments of the first row begin.
func (in *inserter) first() int {
	if in.shares {
		return 1
	}
	return 0
}

// flush writes the rows that were collected.
func (in *inserter) flush() error {
	done := 0
	for i, size := range sizes {
		for in.rows-done >= size {
			if err := in.exec(i, done); err != nil {
				return err
			}
			done += size
		}
	}
	in.drop()
	return nil
}

// exec writes rows from the given one on, as many as the statement takes.
func (in *inserter) exec(size, from int) error {
	first := in.first()
	n := first + sizes[size]*in.columns
	if from > 0 {
		// The ordinals have to count from 1, else the driver searches for every argument.
		from *= in.columns
		for i := first; i < n; i++ {
			in.args[i].Value = in.args[from+i].Value
		}
	}
	if in.shares {
		in.args[0].Value = in.shared
	}
	if in.prepared[size] == nil {
		st, err := in.w.prepare(in.sql(sizes[size]))
		if err != nil {
			return err
		}
		in.prepared[size] = st
	}
	_, err := in.w.exec(in.prepared[size], in.args[:n])
	return err
}

func (in *inserter) sql(rows int) string {
	row := "(?" + strings.Repeat(",?", in.columns-1) + ")"
	if in.shares {
		row = "(?1" + strings.Repeat(",?", in.columns) + ")"
	}
	return in.insert + row + strings.Repeat(","+row, rows-1) + in.conflict
}

// drop forgets the collected rows and lets go of what they point to.
func (in *inserter) drop() {
	first := in.first()
	for i := range in.rows * in.columns {
		in.args[first+i].Value = nil
	}
	in.rows = 0
}

func (in *inserter) close() error {
	var first error
	for _, st := range in.prepared {
		if st != nil {
			if err := st.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

// intCache keeps integers that were converted to [driver.Value] lately: the same run, step, asset
// and instant come in several rows of a transaction, and each conversion is an allocation.
type intCache struct {
	slots [4096]struct {
		n     int64
		value driver.Value
	}
}

func (c *intCache) of(n int64) driver.Value {
	s := &c.slots[uint64(n)%uint64(len(c.slots))]
	if s.n != n || s.value == nil {
		s.n, s.value = n, n
	}
	return s.value
}
