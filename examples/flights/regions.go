package main

import "slices"

// Region is a part of the country, as the Census Bureau draws it.
type Region string

// The four regions of the Census Bureau, and the islands that it counts apart.
const (
	Northeast Region = "northeast"
	Midwest   Region = "midwest"
	South     Region = "south"
	West      Region = "west"
	Islands   Region = "islands"
)

// regionStates are the states of each region, by postal code.
var regionStates = map[Region][]string{
	Northeast: {"CT", "MA", "ME", "NH", "NJ", "NY", "PA", "RI", "VT"},
	Midwest:   {"IA", "IL", "IN", "KS", "MI", "MN", "MO", "ND", "NE", "OH", "SD", "WI"},
	South:     {"AL", "AR", "DC", "DE", "FL", "GA", "KY", "LA", "MD", "MS", "NC", "OK", "SC", "TN", "TX", "VA", "WV"},
	West:      {"AK", "AZ", "CA", "CO", "HI", "ID", "MT", "NM", "NV", "OR", "UT", "WA", "WY"},
	Islands:   {"AS", "CQ", "GU", "MP", "PR", "VI"},
}

// RegionOf returns the region of a state, and false for a code that is none.
func RegionOf(state string) (Region, bool) {
	for region, states := range regionStates {
		if slices.Contains(states, state) {
			return region, true
		}
	}
	return "", false
}

// regionNames are the keys of the regions, from the east to the west.
func regionNames() []string {
	return []string{string(Northeast), string(Midwest), string(South), string(West), string(Islands)}
}
