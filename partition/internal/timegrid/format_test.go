package timegrid

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/internal/cron"
)

// Every tick is read as it was written, and no text between two ticks is read at all.
func TestTicksAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, err := cron.Parse(rapid.SampledFrom([]string{"0 * * * *", "0 0 * * *", "0 0 1 * *", "0 9 * * 1-5", "*/20 8-10 * * *"}).Draw(t, "cron"))
		if err != nil {
			t.Fatal(err)
		}
		g := Of(e)
		if rapid.Bool().Draw(t, "fixed") {
			g = Every(civil.Time(rapid.Int64Range(1, 7*civil.Day).Draw(t, "step")), civil.Date(2026, time.January, 1))
		}
		label := Ceil(g, civil.Date(2026, time.January, 1)+civil.Time(rapid.Int64Range(0, 400*civil.Day).Draw(t, "at")))
		format := DefaultFormat(g)
		if err := CheckFormat(format, g, label, label+civil.Day); err != nil {
			t.Fatal(err)
		}
		if back, err := Read(g, format, Write(format, label)); err != nil || back != label {
			t.Fatalf("%s is read as %s: %v", label, back, err)
		}
		if next := Shift(g, label, 1); next > label+1 && Floor(g, next-1) != label {
			t.Fatalf("the tick before %s is %s, want %s", next, Floor(g, next-1), label)
		}
		if off := label + 1; Ceil(g, off) != off {
			if got, err := Read(g, FormatSecond, Write(FormatSecond, off)); err == nil {
				t.Fatalf("%s lies between two ticks and is read as %s", off, got)
			}
		}
	})
}
