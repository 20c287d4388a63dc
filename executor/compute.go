package executor

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Compute limits what a step may use of its machine. Only a step in a process of its
// own can be held to it: [Subprocess] does, and the executors of goroutines do not. The zero value
// bounds nothing.
type Compute struct {
	// Memory is an amount as Kubernetes writes it, such as "512Mi", "1.5Gi", "2G" or a number of
	// bytes; empty for no limit. It is what the step and all that it starts may have together.
	Memory string
}

// IsZero reports whether all limits are unspecified, so that a farther Compute applies.
func (c Compute) IsZero() bool { return c == Compute{} }

// Validate returns an error for an amount that is none.
func (c Compute) Validate() error {
	_, err := c.memory()
	return err
}

// MemoryBytes returns the amount in bytes, rounded up; zero for no limit, and for an amount that
// [Compute.Validate] refuses.
func (c Compute) MemoryBytes() int64 {
	n, err := c.memory()
	if err != nil {
		return 0
	}
	return n
}

// leastMemory is what no process of Go can live in.
const leastMemory = 1 << 20

// units are the suffixes of an amount, and the power that each stands for.
var units = []struct {
	suffix      string
	base, power int64
}{
	{"", 10, 0},
	{"Ki", 2, 10},
	{"Mi", 2, 20},
	{"Gi", 2, 30},
	{"Ti", 2, 40},
	{"Pi", 2, 50},
	{"Ei", 2, 60},
	{"k", 10, 3},
	{"M", 10, 6},
	{"G", 10, 9},
	{"T", 10, 12},
	{"P", 10, 15},
	{"E", 10, 18},
}

func (c Compute) memory() (int64, error) {
	if c.Memory == "" {
		return 0, nil
	}
	n, err := parseAmount(c.Memory)
	switch {
	case err != nil:
		return 0, fmt.Errorf("memory %q: %w", c.Memory, err)
	case n == 0:
		return 0, fmt.Errorf("memory %q: nothing runs in no memory: give a positive amount, or leave it out for no limit", c.Memory)
	case n < leastMemory:
		return 0, fmt.Errorf("memory %q: it is %d bytes, in which no process can live: is a unit missing, as in 512Mi?", c.Memory, n)
	}
	return n, nil
}

// parseAmount reads a number with a unit as whole bytes, rounded up.
func parseAmount(text string) (int64, error) {
	digits := strings.TrimLeft(strings.TrimPrefix(text, "+"), "0123456789.")
	number := strings.TrimSuffix(strings.TrimPrefix(text, "+"), digits)
	whole, fraction, _ := strings.Cut(number, ".")
	if whole+fraction == "" || strings.Contains(fraction, ".") {
		return 0, errors.New("it is no positive number: write an amount like 512Mi")
	}
	base, power, err := unit(digits)
	if err != nil {
		return 0, err
	}
	n, _ := new(big.Int).SetString(whole+fraction, 10) // digits only
	n.Mul(n, new(big.Int).Exp(big.NewInt(base), big.NewInt(max(power, 0)), nil))
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(fraction))+max(-power, 0)), nil)
	n.Add(n, new(big.Int).Sub(scale, big.NewInt(1))).Quo(n, scale)
	if !n.IsInt64() {
		return 0, errors.New("it is more than any machine has: write an amount like 512Mi")
	}
	return n.Int64(), nil
}

// unit reads what stands behind the number: a suffix, or an exponent such as e9.
func unit(text string) (base, power int64, err error) {
	for _, u := range units {
		if u.suffix == text {
			return u.base, u.power, nil
		}
	}
	if exponent, ok := strings.CutPrefix(strings.ToLower(text), "e"); ok {
		if n, err := strconv.ParseInt(exponent, 10, 8); err == nil {
			return 10, n, nil
		}
	}
	if text == "m" {
		return 0, 0, errors.New("m means thousandths: write Mi or M for millions of bytes")
	}
	hint := ""
	plain := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "b")
	known := make([]string, 0, len(units))
	for _, u := range slices.Backward(units) {
		if u.suffix != "" && strings.ToLower(u.suffix) == plain {
			hint = fmt.Sprintf(" (did you mean %q?)", u.suffix)
		}
	}
	for _, u := range units[1:] {
		known = append(known, u.suffix)
	}
	return 0, 0, fmt.Errorf("no unit is called %q%s: one of %s", text, hint, strings.Join(known, ", "))
}
