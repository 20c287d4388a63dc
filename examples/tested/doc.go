// Package tested shows how people test their own pipelines: the raw function with a real context,
// and the whole graph against a memory store. Everything is in its test.
package tested
