package cli_test

import (
	"errors"
	"os"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// guard is a program of users with two checks, of which the first says what the environment has it say, mails that
// read them, and days that are judged one by one.
func guard() *rivers.CodeRepository {
	users := rivers.NewAsset(rivers.AssetSpec{
		Name: "users",
		Actions: []rivers.Action{rivers.NewAction(
			rivers.ActionSpec{Name: "forget_bounced", Description: "Drop who cannot be reached", Effect: rivers.MayMaterialize, Exclusive: true},
			func(ctx *rivers.ActionContext, _ rivers.NoInput) (rivers.ActionResult, error) {
				return rivers.ActionResult{Did: rivers.MayMaterialize, DataVersion: "forgotten"}, nil
			})},
	}, func(*rivers.AssetContext, rivers.NoInput) ([]int, error) {
		return make([]int, 3+len(os.Getenv("MORE"))), nil
	})
	mails := rivers.NewAsset(rivers.AssetSpec{Name: "mails"},
		func(_ *rivers.AssetContext, in struct{ Users []int }) (int, error) { return len(in.Users), nil })
	unique := rivers.NewCheck(rivers.CheckSpec{Name: "unique_ids", Asset: "users", Blocking: true, BlockLater: true, Description: "No id is there twice"},
		func(*rivers.CheckContext, struct{ Users []int }) (rivers.CheckResult, error) {
			bad := rivers.CheckResult{Description: "1 id is there twice", Metadata: metadata.Map{"duplicates": 1}}
			switch os.Getenv("USERS") {
			case "bad":
				return bad, nil
			case "warn":
				bad.Severity = rivers.SeverityWarn
				return bad, nil
			case "crash":
				return bad, errors.New("the database is away")
			}
			return rivers.CheckResult{Passed: true}, nil
		})
	some := rivers.NewCheck(rivers.CheckSpec{Name: "some", Asset: "users"},
		func(_ *rivers.CheckContext, in struct{ Users []int }) (rivers.CheckResult, error) {
			return rivers.CheckResult{Passed: len(in.Users) > 0}, nil
		})
	day := partition.Daily(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 1, 5)))
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: day},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			return ctx.Partition().Window().Start.Day() + 2*len(os.Getenv("MORE")), nil
		})
	even := rivers.NewCheck(rivers.CheckSpec{Name: "even", Asset: "days", Partitions: day},
		func(_ *rivers.CheckContext, in struct{ Days int }) (rivers.CheckResult, error) {
			return rivers.CheckResult{Passed: in.Days%2 == 0, Description: "the day is odd"}, nil
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "guard", DefaultIOHandler: blob.New("file://./values", blob.Options{}),
		Assets: []rivers.Asset{users, mails, days}, Checks: []*rivers.Check{unique, some, even},
	})
}
