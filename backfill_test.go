package rivers_test

import (
	"errors"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage/memory"
)

// What a run of several partitions has not made is read from its records as the run itself knew it: a backfill that
// is gone on with counts by that.
func TestRecordedRunKnowsWhatItHasNotMade(t *testing.T) {
	store := memory.New()
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (int, error) {
		if ctx.Partition().Key() == day(2) {
			return 0, errors.New("no second")
		}
		return 1, nil
	})
	after := rivers.NewAsset(rivers.AssetSpec{Name: "after", Partitions: tenDays}, func(ctx *rivers.AssetContext, in struct{ Days int }) (int, error) {
		if ctx.Partition().Key() == day(4) {
			return 0, errors.New("no fourth")
		}
		return in.Days, nil
	})
	repo := rivers.NewCodeRepository(assets(days, after))
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-01", "2026-01-05")})
	if err == nil || res == nil {
		t.Fatalf("%+v, %v", res, err)
	}
	recorded, err := engine.ReadResult(t.Context(), store, res.RunID)
	if err != nil {
		t.Fatal(err)
	}
	described := tenDays.Describe()
	space := spaceOf(t, repo, &described)
	if want, err := space.Set(day(2), day(4)); err != nil || !recorded.Lost().Equal(want) {
		t.Errorf("it has not made %s, want %s, %v", recorded.Lost(), want, err)
	}
}

// Of an action too, whatever it did to the partitions that it was done to.
func TestRecordedRunKnowsWhatItsActionDid(t *testing.T) {
	store := memory.New()
	var acts []rivers.Action
	effects := []rivers.ActionEffect{rivers.ChangesNothing, rivers.MayMaterialize, rivers.Forgets, rivers.Observes}
	for _, effect := range effects {
		acts = append(acts, rivers.NewAction(rivers.ActionSpec{Name: effect.String(), Effect: effect}, func(ctx *rivers.ActionContext, _ none) (rivers.ActionResult, error) {
			if ctx.Partition().Key() == day(2) {
				return rivers.ActionResult{}, errors.New("not the second")
			}
			return rivers.ActionResult{Did: effect}, nil
		}))
	}
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays, Actions: acts}, func(*rivers.AssetContext, none) (int, error) { return 1, nil })
	repo := rivers.NewCodeRepository(assets(days))
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	described := tenDays.Describe()
	space := spaceOf(t, repo, &described)
	for _, effect := range effects {
		res, err := repo.RunAction(t.Context(), rivers.RunActionRequest{Action: effect.String(), Selection: []string{"days"}, Range: partition.Range("2026-01-01", "2026-01-03")})
		if err == nil || res == nil {
			t.Fatalf("%s: %+v, %v", effect, res, err)
		}
		recorded, err := engine.ReadResult(t.Context(), store, res.RunID)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := space.Set(day(2)); err != nil || !recorded.Lost().Equal(want) {
			t.Errorf("%s: it was not done to %s, want %s, %v", effect, recorded.Lost(), want, err)
		}
	}
}
