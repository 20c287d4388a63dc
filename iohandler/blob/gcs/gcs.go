// Package gcs links the driver of Google Cloud Storage, so that the handlers of iohandler/blob and
// iohandler/parquet take gs:// URLs. Import it for that effect alone:
//
//	import _ "github.com/rivers-go/rivers/iohandler/blob/gcs"
//
// It is a package of its own because the driver brings its maker's whole client library, which a
// program that keeps its values elsewhere must not link. Credentials and endpoints are found as
// that library does; the URL's parameters are those of gocloud.dev/blob/gcsblob.
package gcs

import (
	_ "gocloud.dev/blob/gcsblob" // registers the driver of gs://

	_ "github.com/rivers-go/rivers/iohandler/blob/gocloud" // links what the driver registers with
)
