package parquet_test

import (
	"math"
	"math/big"
	"net/netip"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

type level string

type base struct {
	Created time.Time `parquet:"created"`
	By      string
}

// Wide has a column of each kind.
type Wide struct {
	base
	Bool     bool
	I8       int8
	I16      int16
	I32      int32
	I64      int64
	U8       uint8
	U16      uint16
	U32      uint32
	U64      uint64
	Uint     uint
	F32      float32
	F64      float64
	Level    level
	Took     time.Duration
	Raw      []byte
	Sum      [4]byte
	Nanos    time.Time      `parquet:"nanos,timestamp(ns)"`
	Berlin   time.Time      `parquet:"berlin,timestamp(ms,Europe/Berlin)"`
	Day      *time.Time     `parquet:"day,date"`
	Amount   decimal128.Num `parquet:"amount,decimal(38,2)"`
	Price    string         `parquet:"price,decimal(10,3)"`
	Discount *string        `parquet:"discount,decimal(9,0)"`
	Total    big.Int        `parquet:",decimal(20,0)"`
	Address  netip.Addr
	Big      *big.Int
	Deep     [][]*Leaf
	ByName   map[string]Leaf
	ByID     map[int][]string
	Fixed    [2]Leaf
	Opt      *Leaf
	OptInt   *int
	Prices   []string `parquet:",decimal(5,1)"`
	Skipped  func()   `parquet:"-"`
	hidden   int      //nolint:unused // that unexported fields are left out is what it is for
}

// Leaf is nested.
type Leaf struct {
	Name string
	Next *Deeper
}

// Deeper is nested in what is nested.
type Deeper struct{ Values []float64 }

var compare = []cmp.Option{
	cmp.AllowUnexported(Wide{}), cmpopts.EquateComparable(decimal128.Num{}, netip.Addr{}),
	cmp.Comparer(func(a, b big.Int) bool { return a.Cmp(&b) == 0 }),
}

func own() []any {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	discount, seven := "12", 7
	full := Wide{
		base: base{Created: day.Add(time.Hour), By: "me"},
		Bool: true, I8: math.MinInt8, I16: math.MaxInt16, I32: math.MinInt32, I64: math.MaxInt64,
		U8: math.MaxUint8, U16: 1, U32: math.MaxUint32, U64: math.MaxUint64, Uint: 1, F32: 1.5, F64: math.NaN(),
		Level: "high", Took: time.Minute, Raw: []byte{0, 255}, Sum: [4]byte{1, 2, 3, 4},
		Nanos: day.Add(1), Berlin: day.In(berlin), Day: &day,
		Amount: decimal128.FromI64(-1250), Price: "12.500", Discount: &discount, Total: *big.NewInt(1 << 60),
		Address: netip.MustParseAddr("10.0.0.1"), Big: new(big.Int).Lsh(big.NewInt(1), 200),
		Deep:   [][]*Leaf{{{Name: "a"}, nil, {Name: "b", Next: &Deeper{Values: []float64{1, 2}}}}, {}, nil},
		ByName: map[string]Leaf{"x": {Name: "y"}, "": {}}, ByID: map[int][]string{3: {"c"}, 1: nil},
		Fixed: [2]Leaf{{Name: "one"}, {Name: "two"}}, Opt: &Leaf{Name: "opt"}, OptInt: &seven, Prices: []string{"0.5", "-1.0"},
	}
	// The zero time has no place in a timestamp of nanoseconds, nor the empty text in a decimal.
	empty := Wide{Nanos: time.Unix(0, 0).UTC(), Price: "0.000", Raw: []byte{}}
	return []any{
		[]Wide{full, empty, full},
		[]*Wide{&empty, &full},
		map[int]Wide{2: full, 1: empty},
		[]int{1, 2},
		[]*int{&seven, nil},
		[]time.Time{day},
		[][]string{nil, {"a"}},
		map[string][]Leaf{"a": {{Name: "b"}}},
		[]netip.Addr{netip.MustParseAddr("::1")},
		map[string]*Leaf{"none": nil},
	}
}
