package partition

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// timeWindow is a part of a grid.
type timeWindow struct {
	grid      timegrid.Grid
	start     civil.Time
	end       civil.Time // where hasEnd
	hasEnd    bool
	endOffset int64
	zone      *time.Location
	format    string
	faults    []error
}

func (d *timeWindow) Kind() Kind      { return KindTimeWindow }
func (d *timeWindow) Validate() error { return errors.Join(d.faults...) }
func (d *timeWindow) sealed()         {}

// last returns the first time at which no window starts any longer.
func (d *timeWindow) last() civil.Time {
	if d.hasEnd {
		return min(d.end, civil.Last+1)
	}
	return civil.Last + 1
}

// means reports whether two definitions mean the same.
func (d *timeWindow) means(o *timeWindow) bool {
	return d.sameLabels(o) && timegrid.Ceil(d.grid, d.start) == timegrid.Ceil(o.grid, o.start) &&
		d.hasEnd == o.hasEnd && (!d.hasEnd || timegrid.Ceil(d.grid, d.end) == timegrid.Ceil(o.grid, o.end)) &&
		d.endOffset == o.endOffset && d.zone.String() == o.zone.String()
}

// sameLabels reports whether both definitions write the same labels in the same way.
func (d *timeWindow) sameLabels(o *timeWindow) bool {
	return d.format == o.format && d.grid.String() == o.grid.String()
}

// Describe writes the grid by its cron expression or its step.
func (d *timeWindow) Describe() Description {
	text := Description{Kind: KindTimeWindow, Start: Civil{timegrid.Ceil(d.grid, d.start)}, Format: d.format, EndOffset: int(d.endOffset)}
	switch g := d.grid.(type) {
	case timegrid.Steps:
		text.Every = (time.Duration(g.Step) * time.Second).String()
	case timegrid.Ticks:
		text.Cron = g.Expr.String()
	}
	if d.hasEnd {
		text.End = Civil{d.end}
	}
	if d.zone != time.UTC {
		text.Zone = d.zone.String()
	}
	return text
}

// cadence returns a word for the length of the windows, or the text of the grid.
func (d *timeWindow) cadence() string {
	g, regular := d.grid.(timegrid.Steps)
	switch {
	case !regular:
		return d.grid.String()
	case g.Step == civil.Hour && g.First == 0:
		return "hourly"
	case g.Step == civil.Day && g.First == 0:
		return "daily"
	case g.Step == 7*civil.Day:
		return "weekly"
	default:
		return g.String()
	}
}

// String returns the cadence, the first window and the options.
func (d *timeWindow) String() string {
	var b strings.Builder
	b.WriteString(d.cadence() + " from " + timegrid.Ceil(d.grid, d.start).String())
	if d.hasEnd {
		b.WriteString(" until " + timegrid.Ceil(d.grid, d.end).String())
	}
	if d.zone != time.UTC {
		b.WriteString(" in " + d.zone.String())
	}
	if d.endOffset != 0 {
		b.WriteString(" end offset " + strconv.FormatInt(d.endOffset, 10))
	}
	if d.format != timegrid.DefaultFormat(d.grid) {
		b.WriteString(" as " + strconv.Quote(d.format))
	}
	return "time(" + b.String() + ")"
}
