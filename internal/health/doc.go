// Package health judges an asset by what is recorded of it: whether it is there, whether its checks hold and whether it is
// fresh, and what the worst of these comes to. It is what the repository, the command line and the page share, so that
// they never disagree.
//
// Judging is apart from reading. [Judge] takes plain values and decides; [Freshness] and [Presences] read the current state of
// assets (records and sets of partitions, never events) in a number of queries that does not depend on how many assets
// are asked about.
//
// # The rules
//
//	                  DEGRADED              WARNING          UNKNOWN               HEALTHY         NOT_APPLICABLE
//	materialization   failed, or            –                never made            it is there     made elsewhere and
//	                  some partitions did                                                          never observed
//	checks            failed or crashed     only warnings    some did not run      all passed      none are defined
//	freshness         FAIL                  WARN             UNKNOWN               PASS            no policy
//
// The asset has the worst of DEGRADED and WARNING that one of the three has. Otherwise it is UNKNOWN if it was never made,
// since nothing that does not exist is healthy; else HEALTHY if one of the three is. What is left has nothing healthy to
// show: it is UNKNOWN if something is asked of it, and NOT_APPLICABLE if nothing is.
//
// Missing partitions do not make an asset unhealthy, failed ones do. A definition of partitions says what may exist, not
// what must: one that begins in 1990 is no worse for being filled from the newest window back, and on the day on which it
// is defined nothing is wrong with it. What must be there by when is what a freshness policy says, and a missing window
// that is due degrades the asset through it. A partition that failed was wanted and is not there, or is older than wanted.
// Dagster decides the same (a failed partition degrades, missing ones are only counted), so who comes from there finds
// the same assets red.
package health
