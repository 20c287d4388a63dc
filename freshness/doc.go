// Package freshness describes how old the data of an asset may be, and judges by what is recorded
// whether it is.
//
// A [Policy] is one of three questions about an asset. How long ago was it made ([TimeWindow])? Was
// it made in time for a deadline that comes back ([Cron])? Is the newest window of time that it
// should have there ([LatestPartition])? The answer is one of five states:
//
//	             made                       older than the warning       older than the limit,
//	             ──────▶ PASS ─────────────────────▶ WARN ──────────────────▶ FAIL
//	               ▲                                                            │
//	               └──────────────── made again ◀────────────────────────────────┘
//	UNKNOWN          it was never made, so it has no age
//	NOT_APPLICABLE   there is no policy
//
// # Judged, not polled
//
// [Policy.Evaluate] is a pure function of facts and an instant. Beside the state it gives the
// instant at which the state will change if nothing lands until then: a program that watches a
// thousand assets sets one timer for the earliest and sleeps, where others look at all of them
// every half minute. The invariant, which a property test holds over zones and their changes of
// clocks: at every instant from now to before NextChange the state is the same, and at NextChange
// it is another one. Where the state is bad, Since is the other end of that stretch.
//
// The facts are few, and all are kept as current state by the store: the instant of the last
// materialization (of whichever partition; for an external asset, of the last observation) and, for
// the latest partition, which partitions are materialized. No history is read, so pruning it
// changes no answer.
//
// # Decisions
//
// A deadline looks at the last one that has passed, and asks that the asset was made no earlier
// than the lower bound before it. So an asset that was made late passes from that instant on: it is
// current again, and that it was late is history.
//
// The latest partition is the newest window that has ended and whose allowed delay is over. Nothing
// is reported of older ones: a hole in the past is missing data, which is to be backfilled, and
// does not make today's late. Where the windows have other dimensions beside them, all combinations
// of their keys that exist now are wanted, because a window with a region is missing is not
// complete, and a total over it is wrong. A definition that is ragged on purpose names how many are
// enough ([Policy.AtLeast]); of a window that has fewer keys than that, all. An end offset that
// holds windows back holds back what is due; one that lets windows exist before their end does not
// make them due earlier.
package freshness
