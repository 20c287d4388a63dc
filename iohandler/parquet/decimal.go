package parquet

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// parseDecimal reads a decimal exactly: digits that the column has no room for are an error, never
// rounded.
func parseDecimal(text string, precision, scale int32) (decimal128.Num, error) {
	unsigned, negative := strings.CutPrefix(text, "-")
	if !negative {
		unsigned = strings.TrimPrefix(unsigned, "+")
	}
	whole, fraction, dotted := strings.Cut(unsigned, ".")
	digits := whole + fraction
	if digits == "" || dotted && fraction == "" || strings.Trim(digits, "0123456789") != "" {
		return decimal128.Num{}, fmt.Errorf("%q is no decimal number: want digits such as -12.50", text)
	}
	if extra := len(fraction) - int(scale); extra > 0 {
		cut := len(digits) - extra
		if strings.Trim(digits[cut:], "0") != "" {
			return decimal128.Num{}, fmt.Errorf("%q has %d decimal places: want at most %d", text, len(fraction), scale)
		}
		digits = digits[:cut]
	} else {
		digits += strings.Repeat("0", -extra)
	}
	digits = strings.TrimLeft(digits, "0")
	if len(digits) > int(precision) {
		return decimal128.Num{}, fmt.Errorf("%q has too many digits: want at most %d, %d of them decimal places", text, precision, scale)
	}
	if digits == "" {
		return decimal128.Num{}, nil
	}
	n, _ := new(big.Int).SetString(digits, 10)
	if negative {
		n.Neg(n)
	}
	return decimal128.FromBigInt(n), nil
}
