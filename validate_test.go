package rivers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage/memory"
)

// wide are n assets, each of which reads the two before it.
func wide(n int) []rivers.Asset {
	all := make([]rivers.Asset, n)
	for i := range all {
		s := rivers.AssetSpec{Name: fmt.Sprintf("asset_%d", i), Group: "wide", Kinds: []string{"table"}, Tags: map[string]string{"team": "core"}}
		for _, back := range []int{1, 2} {
			if i >= back {
				s.Deps = append(s.Deps, rivers.Dep{On: fmt.Sprintf("asset_%d", i-back), Field: "Up"})
			}
		}
		if i == 0 {
			all[i] = rivers.NewAsset(s, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, nil })
			continue
		}
		all[i] = rivers.NewAsset(s, func(_ *rivers.AssetContext, in struct{ Up map[string]int }) (int, error) { return len(in.Up), nil })
	}
	return all
}

func TestOnlyTheFirstMistakesNameTheNearest(t *testing.T) {
	all := wide(2_000)
	for i := range 2_000 {
		all = append(all, in[rivers.NoInput](fmt.Sprintf("reader_%d", i), rivers.Dep{On: fmt.Sprintf("aset_%d", i), OrderOnly: true}))
	}
	err := rivers.NewCodeRepository(assets(all...)).Validate()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2_000 {
		t.Errorf("%d lines, want one for each of the 2,000 mistakes", len(lines))
	}
	if n := strings.Count(err.Error(), "did you mean"); n != 20 {
		t.Errorf("%d suggestions, want 20", n)
	}
}

func TestValidateWhileItRuns(t *testing.T) {
	c := assets(wide(20)...)
	c.DefaultRetry, c.Retries = retry.Named("patient"), map[string]retry.Policy{"patient": {Max: 2}}
	repo := rivers.NewCodeRepository(c)
	defer closeRepository(t, repo)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if i%2 == 0 {
				if err := repo.Validate(); err != nil {
					t.Error(err)
				}
				return
			}
			if _, err := repo.Plan(rivers.RunRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func BenchmarkValidate(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			repo := rivers.NewCodeRepository(assets(wide(n)...))
			b.ReportAllocs()
			for b.Loop() {
				if err := repo.Validate(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkResolve validates and resolves definitions that the store knows already.
func BenchmarkResolve(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			store, config := memory.New(), assets(wide(n)...)
			if err := rivers.NewCodeRepository(config).Resolve(b.Context(), store); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := rivers.NewCodeRepository(config).Resolve(b.Context(), store); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
