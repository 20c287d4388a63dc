// Package checkstate knows what checks said last of the partitions that they judge: which passed, failed, were passed over, and
// which results are about another materialization than the one there is. Every answer is a set, in closed form.
//
// # The rule
//
// It is a function of what the store holds now. Of a partition the newest of the check's states holds: it passed, it did
// not pass (as a warning, or as an error), the check crashed, or a run was to judge it and did not come to it. A result is
// outdated
//
//	if the partition of the asset is not there any more
//	one partition was judged by itself     if the version that was judged is not the present one:
//	                                       the same data made again outdates nothing
//	many were judged at once, or the       if the partition landed later: seq(asset) > seq(result), or by
//	check crashed and knows no version     another run than that of the result, seq(asset) > read(result)
//	the asset is made elsewhere            if the version that was judged is not that of the latest observation
//
// where read(result) is [storage.Detail.ReadSeq], as in package staleness.
//
// # Kept by what lands
//
//	changes since the cursor ─▶ partitions that were judged, made or wiped ─▶ their states ─▶ sets by what was said
//
// [Read] takes the sets that were kept in the store's small values, reads the feed of changes since then, and reads again the states
// of just those partitions of which the feed says that something happened to them. So the work is that of what
// changed, whatever there is. Nothing is kept in memory: a set is small, and whoever asks next may be another process. A check of
// which nothing is kept, or whose definition of partitions changed, is read as a whole, and so are all where the feed was
// pruned beyond the cursor. Writers race for what is kept and the last one wins: an older cursor only means that changes are
// read again, and to settle a partition twice is to settle it once.
package checkstate
