// Package tested shows how people test their own pipelines; everything is in its test.
package tested
