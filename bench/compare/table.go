package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// table shows medians as Markdown: ours, how they grow, and the peers' with how many times ours
// is quicker. A dash is what a peer was not asked; one with a number has its reason below.
func table(lines []line, o options, where string) string {
	peers, notes := peersOf(lines), notesOf(lines)
	var b strings.Builder
	fmt.Fprintf(&b, "%s · medians of %d", where, o.rounds)
	if len(peers) > 0 {
		fmt.Fprintf(&b, ", of peers %d", min(o.peerRounds, o.rounds))
	}
	b.WriteString("\n\n| case | n | storage | time | per second | peak MiB | growth |")
	for _, p := range peers {
		fmt.Fprintf(&b, " %s | × |", p)
	}
	b.WriteString("\n|---|--:|---|--:|--:|--:|--:|" + strings.Repeat("--:|--:|", len(peers)) + "\n")
	var before line
	for _, l := range lines {
		if l.Peer != ours {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %.1f | %s |", l.Case, thousands(float64(l.N)), l.Storage,
			duration(l.Seconds), thousands(l.PerSecond), l.PeakMiB, growth(before, l))
		for _, p := range peers {
			b.WriteString(beside(lines, l, p, notes))
		}
		b.WriteByte('\n')
		before = l
	}
	b.WriteString("\n")
	for _, c := range suite() {
		if slices.ContainsFunc(lines, func(l line) bool { return l.Case == c.name }) {
			fmt.Fprintf(&b, "* **%s**: %s\n", c.name, c.what)
		}
	}
	for i, note := range notes {
		fmt.Fprintf(&b, "* –%s %s\n", raised(i+1), note)
	}
	return b.String()
}

func peersOf(lines []line) []string {
	var peers []string
	for _, l := range lines {
		if l.Peer != ours && !slices.Contains(peers, l.Peer) {
			peers = append(peers, l.Peer)
		}
	}
	return peers
}

// notesOf are the reasons why lines have no figures.
func notesOf(lines []line) []string {
	var notes []string
	for _, l := range lines {
		if l.Why != "" && !slices.Contains(notes, l.Why) {
			notes = append(notes, l.Why)
		}
	}
	return notes
}

// raised is the number of a note.
func raised(n int) string {
	return strings.Map(func(digit rune) rune { return []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[digit-'0'] }, strconv.Itoa(n))
}

// beside is what a peer needed for the same, or the number of the note that explains why there is
// no figure.
func beside(lines []line, l line, peer string, notes []string) string {
	for _, p := range lines {
		switch {
		case p.Peer != peer || p.name() != l.name():
		case p.Why != "":
			return fmt.Sprintf(" –%s | – |", raised(slices.Index(notes, p.Why)+1))
		default:
			return fmt.Sprintf(" %s | %s |", duration(p.Seconds), thousands(p.Seconds/l.Seconds))
		}
	}
	return " – | – |"
}

// growth is the exponent with which the time grew since the smaller size: 1 is linear.
func growth(before, l line) string {
	if before.Case != l.Case || before.Storage != l.Storage || before.N >= l.N {
		return ""
	}
	return fmt.Sprintf("%.2f", exponent(before, l))
}

func exponent(a, b line) float64 {
	return math.Log(b.Seconds/a.Seconds) / math.Log(float64(b.N)/float64(a.N))
}

// duration shows seconds with three digits that mean something.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", seconds)
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", seconds)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", seconds*1e3)
	}
	return fmt.Sprintf("%.3g µs", seconds*1e6)
}

// thousands shows a figure with three digits that mean something and commas.
func thousands(x float64) string {
	if x < 100 {
		return fmt.Sprintf("%.3g", x)
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-2)
	digits := fmt.Sprintf("%.0f", math.Round(x/unit)*unit)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
