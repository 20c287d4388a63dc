package storage

import "time"

// Topology is a copy of a repository's definitions for readers without the user's code.
type Topology struct {
	// Location is the repository's name, the key of the record.
	Location string
	// Hash covers Doc and everything that is written with it. A repository writes its topology only
	// if the hash differs.
	Hash string
	At   time.Time
	// Assets are the names that get an [AssetKey] with this write, if they have none yet.
	Assets []string
	// Doc is the topology itself, a JSON object. Readers get it whole; Assets is not read back.
	Doc []byte
}
