// Package assethealth judges an asset by what is recorded of it: whether it is there, whether its
// checks hold and whether it is fresh, and the worst of these. It is what the repository, the
// command line and the page share, so that they never disagree. The rules, and why they are so, are
// those of package health.
//
// Judging is apart from reading. [Judge] takes plain values and decides; [Freshness] and [Healths]
// read the current state of assets (records and sets of partitions, never events) in a number of
// queries that does not depend on how many assets are asked about.
package assethealth
