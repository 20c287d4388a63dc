package cli_test

import (
	"errors"
	"os"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler/blob"
)

// depot is a program whose steps can be held up from outside, in a pool of one slot: gate goes on once
// there is a file open, and fails if there is one named broken.
func depot() *rivers.CodeRepository {
	base := rivers.NewAsset(rivers.AssetSpec{Name: "base"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
		f, err := os.OpenFile("ran", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err
		}
		_, err = f.WriteString("base\n")
		return 20, errors.Join(err, f.Close())
	})
	gate := rivers.NewAsset(rivers.AssetSpec{Name: "gate", Pools: []rivers.Pool{{Name: "bay"}}},
		func(ctx *rivers.AssetContext, in struct{ Base int }) (int, error) {
			ctx.Log().Info("waiting at the gate")
			if err := os.WriteFile("arrived", nil, 0o600); err != nil {
				return 0, err
			}
			for {
				if _, err := os.Stat("open"); err == nil {
					break
				}
				select {
				case <-ctx.Done():
					return 0, ctx.Err()
				case <-time.After(5 * time.Millisecond):
				}
			}
			if _, err := os.Stat("broken"); err == nil {
				return 0, errors.New("the gate is broken")
			}
			ctx.Log().Info("through")
			return in.Base + 1, nil
		})
	yard := rivers.NewAsset(rivers.AssetSpec{Name: "yard"}, func(_ *rivers.AssetContext, in struct{ Gate int }) (int, error) { return 2 * in.Gate, nil })
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "depot", DefaultIOHandler: blob.New("file://./values", blob.Options{}), Assets: []rivers.Asset{base, gate, yard}, PoolLimits: map[string]int{"bay": 1},
	})
}
