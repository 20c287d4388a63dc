// Package term draws the output of commands: colours, tables, plots, JSON documents, and the
// progress of runs, backfills and pruning.
//
// All text of a command goes through a [Terminal], so that one place decides between a terminal and
// a pipe:
//
//	            terminal                         pipe
//	runs        live view, redrawn in place      one line per event
//	backfills   progress bar above failures      a line every few seconds
//	tables      colours, cut at the window       everything, no escapes
//
// A live view is a block below the lines that scroll. Each frame is one write that overwrites
// before it erases. The cursor is never hidden and no mode of the terminal is changed, so a process
// that dies leaves nothing to restore. What assets print themselves is captured and shown above the
// block.
//
// Listeners of a repository call the views from the goroutines of steps; each view has its own
// lock.
package term
