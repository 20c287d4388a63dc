package main

import (
	"bytes"
	"fmt"
	"image/color"
	"regexp"
	"strconv"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// role is what a colour is for. Charts are drawn in roles and the style sheet defines which colour
// each is, in light and in dark: a role is drawn as a colour that nothing else uses, and themed
// puts the style sheet's variable in its place.
type role uint8

// The roles; the style sheet has a variable for each. The six bands of delay come last.
const (
	ink role = iota
	muted
	faint
	grid
	accent
	wash
	land
	border
	paper
	bandFirst
)

var roleNames = [...]string{
	"ink", "muted", "faint", "grid", "accent", "wash", "land", "border", "paper", "d0", "d1", "d2", "d3", "d4", "d5",
}

func (r role) RGBA() (red, green, blue, alpha uint32) {
	return color.RGBA{0xfa, 0xce, byte(r), 0xff}.RGBA()
}

// bands are the upper ends, in minutes of mean delay, of all bands but the last.
var bands = [...]float64{0, 5, 10, 15, 20}

// band is the colour of a mean delay.
func band(mean float64) role {
	for i, upper := range bands {
		if mean <= upper {
			return bandFirst + role(i)
		}
	}
	return bandFirst + role(len(bands))
}

// Swatch is one entry of the legend of delays.
type Swatch struct{ Class, Label string }

// legend names the bands.
func legend() []Swatch {
	out := []Swatch{{roleNames[bandFirst], "on time or early"}}
	for i := 1; i < len(bands); i++ {
		out = append(out, Swatch{roleNames[int(bandFirst)+i], fmt.Sprintf("%g to %g min", bands[i-1], bands[i])})
	}
	return append(out, Swatch{roleNames[int(bandFirst)+len(bands)], fmt.Sprintf("over %g min", bands[len(bands)-1])})
}

// letters is the style of text in charts: the metrics are those of Liberation Sans, which Arial and
// Helvetica share.
func letters(r role, size vg.Length) text.Style {
	return text.Style{
		Color:   r,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: text.Plain{Fonts: font.DefaultCache},
	}
}

var (
	roleColour = regexp.MustCompile(`#FACE([0-9A-F]{2})`)
	fontFamily = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;font-weight:[^;"]*;font-style:[^;"]*;`)
	svgOpening = regexp.MustCompile(`(?s)^.*?<svg [^>]*viewBox="([^"]*)"[^>]*>`)
	longNumber = regexp.MustCompile(`[0-9]+\.[0-9]{2,}`)
)

// drawing is the canvas of one picture, in points.
func drawing(w, h vg.Length, paint func(draw.Canvas)) (string, error) {
	canvas := vgsvg.New(w, h)
	paint(draw.NewCanvas(canvas, w, h))
	var buf bytes.Buffer
	if _, err := canvas.WriteTo(&buf); err != nil {
		return "", fmt.Errorf("drawing %g by %g points: %w", w.Points(), h.Points(), err)
	}
	return themed(buf.String()), nil
}

// themed makes a standalone drawing a part of the page: sized, coloured and lettered by its style
// sheet.
func themed(svg string) string {
	svg = svgOpening.ReplaceAllString(svg, `<svg viewBox="$1" aria-hidden="true">`)
	svg = fontFamily.ReplaceAllString(svg, "")
	svg = longNumber.ReplaceAllStringFunc(svg, func(n string) string {
		v, err := strconv.ParseFloat(n, 64)
		if err != nil {
			return n
		}
		return strconv.FormatFloat(float64(int(v*10+0.5))/10, 'f', -1, 64)
	})
	return roleColour.ReplaceAllStringFunc(svg, func(c string) string {
		i, err := strconv.ParseUint(c[len("#FACE"):], 16, 8)
		if err != nil || int(i) >= len(roleNames) {
			return c
		}
		return "var(--" + roleNames[i] + ")"
	})
}
