// Package checkstate tracks the latest check result of every partition: passed, warned, failed,
// crashed or skipped, and whether the result is outdated. Every answer is a set in closed form.
//
// # The rule
//
// The answer is a function of what the store holds now. For each partition the newest state of the
// check counts. A result is outdated if
//
//	the partition of the asset is gone
//	one partition was checked by itself    and its checked version differs from the present one:
//	                                       the same data made again outdates nothing
//	many were checked at once, or the      and the partition landed later, by the landing rule of
//	check crashed and knows no version     package feed
//	the asset is external                  and the checked version is not the latest observation
//
// # Cost
//
//	changes since the cursor ─▶ partitions checked, made or wiped ─▶ their states ─▶ sets by outcome
//
// [Read] restores the sets that were saved last, follows the feed of changes, and reads the states
// of just those partitions that a change touched. It costs what changed. It keeps nothing in
// memory: the sets are small, and another process may be the next reader. A check without a
// snapshot, or with another partition definition, is read as a whole; all checks are where the feed
// was pruned beyond the cursor. Package feed has the details of snapshots.
package checkstate
