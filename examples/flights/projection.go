package main

import "math"

// The viewport that the outlines of the states were made for.
const mapWidth, mapHeight, mapScale = 975, 610, 1300

// conic is an Albers equal-area projection placed in the viewport.
type conic struct {
	meridian float64 // radians
	n, c, r0 float64
	scale    float64
	x, y     float64 // where the centre lands
	cx, cy   float64 // the centre before scaling
}

func newConic(meridian, centreLon, centreLat, parallel1, parallel2, scale, x, y float64) conic {
	sin1 := math.Sin(radians(parallel1))
	n := (sin1 + math.Sin(radians(parallel2))) / 2
	c := 1 + sin1*(2*n-sin1)
	p := conic{meridian: radians(meridian), n: n, c: c, r0: math.Sqrt(c) / n, scale: scale, x: x, y: y}
	p.cx, p.cy = p.raw(radians(centreLon), radians(centreLat))
	return p
}

func (p conic) raw(lon, lat float64) (x, y float64) {
	r := math.Sqrt(p.c-2*p.n*math.Sin(lat)) / p.n
	sin, cos := math.Sincos(lon * p.n)
	return r * sin, p.r0 - r*cos
}

func (p conic) project(lat, lon float64) (x, y float64) {
	rx, ry := p.raw(radians(lon)-p.meridian, radians(lat))
	return p.x + p.scale*(rx-p.cx), p.y - p.scale*(ry-p.cy)
}

// inset is where a place is drawn.
type inset int

const (
	offMap inset = iota
	mainland
	alaska
	hawaii
)

// insetOf returns where an airport of the state is drawn: territories are not on the map.
func insetOf(state string) inset {
	switch state {
	case "AK":
		return alaska
	case "HI":
		return hawaii
	case "AS", "CQ", "GU", "MP", "PR", "VI", unknown, "":
		return offMap
	}
	return mainland
}

// projection returns the inset's own projection: the composite that cartographers call Albers USA.
func (i inset) projection() conic {
	const x, y = mapWidth / 2.0, mapHeight / 2.0
	switch i {
	case alaska:
		return newConic(-154, -2, 58.5, 55, 65, mapScale*0.35, x-0.307*mapScale, y+0.201*mapScale)
	case hawaii:
		return newConic(-157, -3, 19.9, 8, 18, mapScale, x-0.205*mapScale, y+0.212*mapScale)
	}
	return newConic(-96, -0.6, 38.7, 29.5, 45.5, mapScale, x, y)
}

// greatCircle is points along the shortest way between two places, both ends included, as latitude
// and longitude.
func greatCircle(lat1, lon1, lat2, lon2 float64, parts int) [][2]float64 {
	ax, ay, az := vector(lat1, lon1)
	bx, by, bz := vector(lat2, lon2)
	angle := math.Acos(min(1, max(-1, ax*bx+ay*by+az*bz)))
	if angle == 0 || parts < 1 {
		return [][2]float64{{lat1, lon1}, {lat2, lon2}}
	}
	points := make([][2]float64, 0, parts+1)
	for i := range parts + 1 {
		t := float64(i) / float64(parts)
		u, v := math.Sin((1-t)*angle)/math.Sin(angle), math.Sin(t*angle)/math.Sin(angle)
		x, y, z := u*ax+v*bx, u*ay+v*by, u*az+v*bz
		points = append(points, [2]float64{degrees(math.Atan2(z, math.Hypot(x, y))), degrees(math.Atan2(y, x))})
	}
	return points
}

func vector(lat, lon float64) (x, y, z float64) {
	sinLat, cosLat := math.Sincos(radians(lat))
	sinLon, cosLon := math.Sincos(radians(lon))
	return cosLat * cosLon, cosLat * sinLon, sinLat
}

func degrees(radians float64) float64 { return radians * 180 / math.Pi }
