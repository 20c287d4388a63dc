// Package s3 links the driver of Amazon S3 and what speaks its protocol, so that the handlers of
// iohandler/blob and iohandler/parquet take s3:// URLs. Import it for that effect alone:
//
//	import _ "github.com/rivers-go/rivers/iohandler/blob/s3"
//
// It is a package of its own because the driver brings its maker's whole client library, which a
// program that keeps its values elsewhere must not link. Credentials and endpoints are found as
// that library does; the URL's parameters are those of gocloud.dev/blob/s3blob.
package s3

import (
	_ "gocloud.dev/blob/s3blob" // registers the driver of s3://

	_ "github.com/rivers-go/rivers/iohandler/blob/gocloud" // links what the driver registers with
)
