package executor_test

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/executor"
)

func TestAmountsOfMemory(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"":                    0,
		"512Mi":               512 << 20,
		"+512Mi":              512 << 20,
		"1.5Gi":               3 << 29,
		".5Gi":                1 << 29,
		"2.Gi":                2 << 30,
		"1Ki":                 0, // too little, below
		"2048Ki":              2 << 20,
		"128974848":           128974848,
		"129e6":               129_000_000,
		"129E6":               129_000_000,
		"1.29e8":              129_000_000,
		"129M":                129_000_000,
		"2000k":               2_000_000,
		"1.0000000001Mi":      1<<20 + 1, // a part of a byte is a byte
		"1048576.000000":      1 << 20,
		"10485760e-1":         1 << 20,
		"7Ei":                 7 << 60,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got := (executor.Compute{Memory: text}).MemoryBytes(); got != want {
			t.Errorf("%q is %d bytes, want %d", text, got, want)
		}
	}
}

func TestAmountsThatAreNone(t *testing.T) {
	t.Parallel()
	const known = `: one of Ki, Mi, Gi, Ti, Pi, Ei, k, M, G, T, P, E`
	for text, want := range map[string]string{
		"lots":                `it is no positive number: write an amount like 512Mi`,
		"-1Gi":                `it is no positive number: write an amount like 512Mi`,
		"Gi":                  `it is no positive number: write an amount like 512Mi`,
		".":                   `it is no positive number: write an amount like 512Mi`,
		"1.2.3Gi":             `it is no positive number: write an amount like 512Mi`,
		" 512Mi":              `it is no positive number: write an amount like 512Mi`,
		"512MB":               `no unit is called "MB" (did you mean "M"?)` + known,
		"512 MiB":             `no unit is called " MiB" (did you mean "Mi"?)` + known,
		"1gi":                 `no unit is called "gi" (did you mean "Gi"?)` + known,
		"640K":                `no unit is called "K" (did you mean "k"?)` + known,
		"5parsecs":            `no unit is called "parsecs"` + known,
		"1e":                  `no unit is called "e" (did you mean "E"?)` + known,
		"1e999":               `no unit is called "e999"` + known,
		"512m":                `m means thousandths: write Mi or M for millions of bytes`,
		"0":                   `nothing runs in no memory: give a positive amount, or leave it out for no limit`,
		"0.0Gi":               `nothing runs in no memory: give a positive amount, or leave it out for no limit`,
		"512":                 `it is 512 bytes, in which no process can live: is a unit missing, as in 512Mi?`,
		"8Ei":                 `it is more than any machine has: write an amount like 512Mi`,
		"9223372036854775808": `it is more than any machine has: write an amount like 512Mi`,
	} {
		c := executor.Compute{Memory: text}
		want = fmt.Sprintf("memory %q: %s", text, want)
		if err := c.Validate(); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
		if c.MemoryBytes() != 0 {
			t.Errorf("%q is %d bytes", text, c.MemoryBytes())
		}
	}
}

// A number and a unit are the product of both, rounded up.
func TestAmountsAreExact(t *testing.T) {
	t.Parallel()
	units := map[string]int64{"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 1e3, "M": 1e6, "G": 1e9}
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]string{"", "Ki", "Mi", "Gi", "k", "M", "G"}).Draw(t, "unit")
		hundredths := rapid.Int64Range(1, 1e9).Draw(t, "hundredths")
		text := fmt.Sprintf("%d.%02d%s", hundredths/100, hundredths%100, unit)
		want := new(big.Int).Mul(big.NewInt(hundredths), big.NewInt(units[unit]))
		want.Add(want, big.NewInt(99)).Quo(want, big.NewInt(100))
		got := executor.Compute{Memory: text}.MemoryBytes()
		if want.Int64() >= 1<<20 && got != want.Int64() {
			t.Fatalf("%q is %d bytes, want %s", text, got, want)
		}
	})
}

func ExampleCompute() {
	c := executor.Compute{Memory: "1.5Gi"}
	fmt.Println(c.MemoryBytes(), c.Validate())
	fmt.Println(executor.Compute{Memory: "512MB"}.Validate())
	// Output:
	// 1610612736 <nil>
	// memory "512MB": no unit is called "MB" (did you mean "M"?): one of Ki, Mi, Gi, Ti, Pi, Ei, k, M, G, T, P, E
}

func FuzzCompute(f *testing.F) {
	for _, text := range []string{"512Mi", "1.5Gi", "1e9", "-1", "9e99999", "..", "512MB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := executor.Compute{Memory: text}
		if n := c.MemoryBytes(); n < 0 || n > 0 && n < 1<<20 || n > 0 != (c.Validate() == nil && text != "") {
			t.Errorf("%q is %d bytes, %v", text, n, c.Validate())
		}
	})
}
