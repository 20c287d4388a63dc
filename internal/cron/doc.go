// Package cron reads cron expressions and answers when they fire.
//
// Schedules fire by them and partitions are cut by them, so an [Expr] is a grid of
// ticks on the civil timeline first, and a series of instants in a zone second.
//
//	┌──────────── second (only where six fields are written)
//	│ ┌────────── minute        0-59
//	│ │ ┌──────── hour          0-23
//	│ │ │ ┌────── day of month  1-31
//	│ │ │ │ ┌──── month         1-12 or jan-dec
//	│ │ │ │ │ ┌── day of week   0-6 or sun-sat, 7 is Sunday too
//	0 * * * * *
//
// A field is * or a list of values, ranges a-b, and either with a step: */15, 8-18/2,
// 5/10 (from 5 to the end). Where day of month and day of week are both restricted,
// also as */n, a day needs to fit one of them; otherwise all fields must fit.
//
// # Closed form
//
// The ticks of a day are the product of three sets, and the days repeat every 400
// years, for 146,097 days are whole weeks. There are 14 kinds of year by the weekday
// they begin with and their length. A table of the matching days in each kind, and
// of those before each year of the cycle, takes microseconds to make, and then the
// number of ticks before any time ([Expr.Rank]) and the n-th tick ([Expr.Tick]) are
// arithmetic, for any expression, at any distance. Nothing ever steps from tick to
// tick, and an expression that never fires is known when it is parsed.
//
// # In a zone
//
// [Expr.NextIn] and [Expr.LatestIn] follow what people mean when clocks change. An
// expression that names its hours means these readings of the clock: one that does
// not exist fires once, when the gap opens; one that exists twice fires the first
// time. An expression with * for hours means the time that passes: it fires whenever
// the clock in the zone reads a tick, in the doubled hour as well.
//
// Parsing is ours because what is kept elsewhere does not serve: robfig/cron is not
// maintained and knows instants only, adhocore/gronx reads its text again
// for each question; neither counts, goes back by arithmetic, or documents in its
// errors what would be right.
package cron
