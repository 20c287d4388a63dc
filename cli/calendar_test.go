package cli_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/partition"
)

// calendar is a program whose assets are divided: by days, of which the 13th fails until there is a file mended, and is not sealed until there is a file unlocked; by
// weeks, by days and regions, by shops, and one with 3.2 billion partitions. Only the zones, which read a task, are whole.
func calendar() *rivers.CodeRepository {
	begin := partition.Date(2026, 1, 1)
	end := partition.Until(partition.Date(2026, 2, 1))
	day := partition.Daily(begin, end)
	seal := rivers.NewAction(rivers.ActionSpec{Name: "seal", Description: "Close the day", Effect: rivers.Observes},
		func(ctx *rivers.ActionContext, _ rivers.NoInput) (rivers.ActionResult, error) {
			key := ctx.Partition().Key().String()
			if _, err := os.Stat("unlocked"); err != nil && key == "2026-01-13" {
				return rivers.ActionResult{}, errors.New("somebody is in there")
			}
			f, err := os.OpenFile("sealed", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return rivers.ActionResult{}, err
			}
			_, err = fmt.Fprintln(f, key)
			return rivers.ActionResult{Did: rivers.Observes}, errors.Join(err, f.Close())
		})
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: day, Actions: []rivers.Action{seal}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			key := ctx.Partition().Key().String()
			if _, err := os.Stat("mended"); err != nil && key == "2026-01-13" {
				return 0, errors.New("the source has no such day")
			}
			f, err := os.OpenFile("made", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return 0, err
			}
			_, err = fmt.Fprintln(f, key)
			return ctx.Partition().Window().Start.Day(), errors.Join(err, f.Close())
		})
	weeks := rivers.NewAsset(rivers.AssetSpec{Name: "weeks", Partitions: partition.Weekly(partition.Date(2026, 1, 4), end)},
		func(_ *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (int, error) {
			sum := 0
			for _, n := range in.Days.All() {
				sum += n
			}
			return sum, nil
		})
	cells := rivers.NewAsset(
		rivers.AssetSpec{Name: "cells", Partitions: partition.Multi(map[string]partition.Definition{"day": day, "region": partition.Static("eu", "us")})},
		func(_ *rivers.AssetContext, in struct{ Days int }) (int, error) { return in.Days, nil })
	shops := rivers.NewAsset(rivers.AssetSpec{Name: "shops", Partitions: partition.Dynamic("shop")},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (string, error) {
			return ctx.Partition().Key().String(), nil
		})
	tenants := make([]string, 10_000)
	for i := range tenants {
		tenants[i] = fmt.Sprintf("tenant_%04d", i)
	}
	wide := rivers.NewAsset(
		rivers.AssetSpec{Name: "wide", Partitions: partition.Multi(map[string]partition.Definition{
			"hour": partition.Hourly(partition.Date(1990, 1, 1), partition.Until(partition.Date(2026, 1, 1))), "tenant": partition.Static(tenants...),
		})},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	clock := rivers.NewTask(rivers.TaskSpec{Name: "clock"}, func(*rivers.TaskContext, rivers.NoInput) (string, error) { return "utc", nil })
	zones := rivers.NewAsset(rivers.AssetSpec{Name: "zones"}, func(_ *rivers.AssetContext, in struct{ Clock string }) (string, error) {
		return in.Clock, nil
	})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "calendar", DefaultIOHandler: blob.New("file://./values", blob.Options{}), Assets: []rivers.Asset{days, weeks, cells, shops, wide, zones},
		Tasks: []rivers.Node{clock},
	})
}
