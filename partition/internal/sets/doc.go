// Package sets stores and combines sets of partitions without listing the partitions.
//
// A partition is a tuple of labels: one label per axis of a [Shape]. A label is a second of the
// civil timeline or the ordinal of a key in a key table. Labels never change, so a stored set
// outlives a change of the definition that it was made for. This package knows no definition, no
// key and no clock. Package partition adds those.
//
//	Set      what there is of each shape
//	 └ Node  the outermost axis: intervals of labels, and the Node nested in each
//	    └ Node … the innermost axis: intervals, or a bitmap if there are many
//
// Two invariants make comparison cheap. Equal sets have equal forms: neighbours that touch and
// have equal content are one interval, and the choice between intervals and a bitmap follows from
// the content alone. And nodes are immutable, so results share them freely between goroutines.
//
// [Combine] computes union, intersection and differences, [Arrange] reorders and projects axes,
// [Image] maps a set through a relation per axis. Each visits a nested set once, however often it
// occurs. The cost follows the number of intervals, or the words of the bitmaps.
//
// The binary form (codec.go) is versioned. Equal sets have equal bytes.
package sets
