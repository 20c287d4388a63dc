package cli_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// gauge is a program whose assets say much of themselves: one has metadata of every kind, as many rows as a file says,
// and one that is divided by days has a number each.
func gauge() *rivers.CodeRepository {
	users := rivers.NewAsset(
		rivers.AssetSpec{Name: "users", Metadata: metadata.Map{
			"runbook":          metadata.URL("https://example.org/users"),
			metadata.KeySchema: metadata.Schema(metadata.Column{Name: "id", Type: "int64", Description: "as the shop gives it", Unique: true}),
		}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			text, err := os.ReadFile("rows")
			if err != nil {
				return 0, err
			}
			rows, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				return 0, err
			}
			ctx.AddMetadata(metadata.KeyRows, rows)
			ctx.AddMetadata(metadata.KeySize, metadata.Size(int64(rows)<<10))
			ctx.AddMetadata(metadata.KeyPath, metadata.Path("values/users"))
			ctx.AddMetadata("took", 1500*time.Millisecond)
			ctx.AddMetadata("note", metadata.Markdown("# Users\n\n* all of them\n"))
			ctx.AddMetadata("newest", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
			ctx.AddMetadata("place", map[string]any{"bucket": "b", "parts": []int{1, 2, 3}, "layout": "one file for each of the parts"})
			ctx.AddMetadata("escape", "\x1b[31mred")
			ctx.AddMetadata(metadata.KeySchema, metadata.Schema(
				metadata.Column{Name: "id", Type: "int64", Description: "as the shop gives it", Unique: true},
				metadata.Column{Name: "mail", Type: "string", Nullable: true, Tags: map[string]string{"pii": "yes"}},
			))
			ctx.AddMetadata(metadata.KeyColumnLineage, metadata.ColumnLineage(
				metadata.Derivation{Column: "id", From: []metadata.ColumnRef{{Asset: "feed", Column: "user"}, {Asset: "feed", Column: "shop"}}},
				metadata.Derivation{Column: "loaded_at"},
			))
			ctx.AddMetadata("sample", metadata.Table([]metadata.Column{{Name: "id"}, {Name: "Mail"}}, [][]any{{1, "a@b.org"}, {2, nil}}))
			return rows, nil
		})
	days := rivers.NewAsset(
		rivers.AssetSpec{Name: "days", Partitions: partition.Daily(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 2, 1)))},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (string, error) {
			day := ctx.Partition().Window().Start.Day()
			ctx.AddMetadata("day", day)
			return fmt.Sprint(day), nil
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "gauge", Assets: []rivers.Asset{users, days}, DefaultIOHandler: iohandler.Memory(), // which adds no metadata
	})
}
