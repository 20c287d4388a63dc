package metadata

// The keys that rivers and its IO handlers write, and that the command line and the page know.
// Values under the same key are drawn the same way. A key of one's own has no
// "rivers/" before it.
const (
	// KeyPath is where the value is: a [Path], the URL of the object or the file.
	KeyPath = "path"
	// KeySize is how large the value is as it is stored: a [Size].
	KeySize = "size_bytes"
	// KeyRows is how many rows the value has: an [Int].
	KeyRows = "num_rows"
	// KeyWriteDuration is how long it took to write the value: a [Float], in seconds.
	KeyWriteDuration = "write_duration_s"
	// KeySchema is which columns the value has: a [Schema].
	KeySchema = "rivers/schema"
	// KeyColumnLineage is what these columns are made of: a [ColumnLineage].
	KeyColumnLineage = "rivers/column_lineage"
)
