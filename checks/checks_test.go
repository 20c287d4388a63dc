package checks_test

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/checks"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/parquet"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// user is a row. Of a stream only what a check reads is loaded.
type user struct {
	ID     int64 `parquet:"id"`
	Email  *string
	Plan   string
	Score  float64
	Seen   time.Time
	Boss   sql.NullString `parquet:"-"`
	Labels []string
}

type seen struct {
	ID   int64 `parquet:"id"`
	Plan string
	Seen time.Time
}

// judge materializes users and judges them, and returns what the check says.
func judge(t *testing.T, h iohandler.Handler, rows []user, check *rivers.Check) rivers.CheckStatus {
	t.Helper()
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users", IOHandler: h},
		func(*rivers.AssetContext, rivers.NoInput) ([]user, error) { return rows, nil })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "t", Assets: []rivers.Asset{users}, Checks: []*rivers.Check{check}})
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := repo.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
		t.Fatal(err)
	}
	status, err := repo.CheckStatus(t.Context())
	if err != nil || len(status) != 1 {
		t.Fatal(status, err)
	}
	return status[0]
}

func TestReadyMade(t *testing.T) {
	now := time.Now()
	rows := []user{
		{ID: 1, Email: new("a@x"), Plan: "free", Score: 0.5, Seen: now.Add(-time.Hour), Boss: sql.NullString{String: "b", Valid: true}},
		{ID: 2, Plan: "pro", Score: -1, Seen: now.Add(-48 * time.Hour)},
		{ID: 2, Email: new("a@x"), Plan: "gold", Score: 9},
	}
	s := checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "users"}}
	stream := parquet.New("mem://", parquet.Options{})
	for _, c := range []struct {
		check *rivers.Check
		h     iohandler.Handler
		name  string
		says  string // empty: it passes
	}{
		{checks.NotNull[[]user](s, "email"), nil, "not_null_email", `1 of 3 rows, first row 2: "email" is null`},
		{checks.NotNull[[]user](s, "Email", "boss"), nil, "not_null_email_boss", `2 of 3 rows, first row 2: "Email" is null`},
		{checks.Unique[[]user](s, "id"), nil, "unique_id", "1 of 3 rows, first row 3: it is there before"},
		{checks.Unique[[]user](s, "id", "plan"), nil, "unique_id_plan", ""},
		{checks.Unique[[]user](s, "boss"), nil, "unique_boss", ""},
		{checks.Accepted[[]user](s, "plan", "free", "pro"), nil, "accepted_plan", `1 of 3 rows, first row 3: gold is not among what "plan" may be`},
		{checks.Accepted[[]user](s, "id", 1, 2), nil, "accepted_id", ""},
		{checks.Between[[]user](s, "score", 0, 1), nil, "between_score", `2 of 3 rows, first row 2: "score" is -1, below 0`},
		{checks.Between[[]user](s, "score", -1, nil), nil, "between_score", ""},
		{checks.Between[[]user](s, "plan", nil, "pro"), nil, "between_plan", ""},
		{checks.Between[[]user](s, "seen", now.Add(-50*time.Hour), nil), nil, "between_seen", `1 of 3 rows, first row 3: "seen" is 0001-01-01 00:00:00 +0000 UTC, below `},
		{checks.Recent[[]user](s, "seen", 2*time.Hour), nil, "recent_seen", ""},
		{checks.Recent[[]user](s, "seen", time.Minute), nil, "recent_seen", `the newest "seen" is `},
		{checks.RowCount[[]user](s, checks.Count{Min: 3, Max: 3}), nil, "row_count", ""},
		{checks.RowCount[[]user](s, checks.Count{Min: 4}), nil, "row_count", "3 rows, want at least 4"},
		{checks.RowCount[[]user](s, checks.Count{Max: 2}), nil, "row_count", "3 rows, want at most 2"},
		{checks.Unique[iter.Seq2[seen, error]](s, "id"), stream, "unique_id", "1 of 3 rows, first row 3: it is there before"},
		{checks.Accepted[iter.Seq2[*seen, error]](s, "plan", "free", "pro", "gold"), stream, "accepted_plan", ""},
		{checks.Recent[iter.Seq2[seen, error]](s, "seen", time.Minute), stream, "recent_seen", `the newest "seen" is `},
		{checks.RowCount[iter.Seq2[seen, error]](s, checks.Count{Max: 2}), stream, "row_count", "3 rows, want at most 2"},
	} {
		if c.h == nil {
			c.h = iohandler.Memory()
		}
		got := judge(t, c.h, rows, c.check)
		if got.Check != c.name {
			t.Errorf("%s is called %s", c.name, got.Check)
		}
		switch {
		case c.says == "" && got.State != storage.CheckSucceeded,
			c.says != "" && (got.State != storage.CheckFailed || !strings.HasPrefix(got.Verdict.Description, c.says)):
			t.Errorf("%s is %s: %+v %s, want %q", c.name, got.State, got.Verdict, got.Error, c.says)
		}
		if n, _ := got.Metadata.Int("rows"); n != 3 {
			t.Errorf("%s: it saw %d rows", c.name, n)
		}
	}
	warned := judge(t, iohandler.Memory(), rows, checks.Unique[[]user](checks.Spec{CheckSpec: s.CheckSpec, Severity: rivers.SeverityWarn}, "id"))
	if warned.State != storage.CheckFailed || warned.Verdict.Bad() {
		t.Errorf("%+v", warned.Verdict)
	}
	if examples, ok := warned.Metadata.Get("examples"); !ok || !strings.Contains(examples.String(), "it is there before") {
		t.Errorf("the examples are %v", examples)
	}
}

// The count is compared with the median of those with which the asset passed.
func TestRowCountComparesWithTheLast(t *testing.T) {
	n := 0
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"},
		func(*rivers.AssetContext, rivers.NoInput) ([]user, error) { return make([]user, n), nil })
	check := checks.RowCount[[]user](checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "users"}}, checks.Count{Last: 3, Deviation: 0.2})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "t", Assets: []rivers.Asset{users}, Checks: []*rivers.Check{check}})
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = repo.Shutdown(context.Background()) }()
	for _, c := range []struct {
		rows int
		want string
	}{
		{100, ""},
		{110, ""},
		{300, "300 rows, and the median of the last 2 counts is 110: want 88 to 132"},
		{10, "10 rows, and the median of the last 2 counts is 110: want 88 to 132"},
		{90, ""},
		{120, ""},
		{100, ""},
	} {
		n = c.rows
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
			t.Fatal(err)
		}
		status, err := repo.CheckStatus(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := status[0].Verdict; got.Description != c.want || got.Passed != (c.want == "") {
			t.Errorf("%d rows: %+v, want %q", c.rows, got, c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	s := checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "users"}}
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"}, func(*rivers.AssetContext, rivers.NoInput) ([]user, error) { return nil, nil })
	for _, c := range []struct {
		check *rivers.Check
		want  string
	}{
		{checks.NotNull[int](s, "id"), "the rows are a int: take a slice of structs, or an iter.Seq2 of structs and errors"},
		{checks.NotNull[[]int](s, "id"), "a row is a int: take structs, whose fields are the columns"},
		{checks.NotNull[[]user](s, "emial"), `a checks_test.user has no column "emial" (did you mean "email"?)`},
		{checks.NotNull[[]user](s, "email", "email"), `column "email" is named twice: name it once`},
		{checks.NotNull[[]user](s), "it names no column: name those that must not be null"},
		{checks.NotNull[[]user](s, "id"), `column "id" is a int64, which is never null: remove it, or make the field a pointer`},
		{checks.Unique[[]user](s), "it names no column: name those whose values are not repeated"},
		{checks.Unique[[]user](s, "labels"), `column "labels" is a []string, whose values are not compared: name another`},
		{checks.Accepted[[]user](s, "plan"), `column "plan": no value is accepted: list them`},
		{checks.Accepted[[]user](s, "plan", 1), `column "plan" is a string, and 1 is a int: give a string`},
		{checks.Accepted[[]user](s, "id", 1.5), `column "id" is a int64, and 1.5 is a float64: give a int64`},
		{checks.Accepted[[]user](s, "email", nil), `column "email": nil is no value: null passes without being listed`},
		{checks.Between[[]user](s, "score", nil, nil), `column "score": neither bound is given: give one`},
		{checks.Between[[]user](s, "score", 2, 1), `column "score": the low bound 2 is above the high bound 1: exchange them`},
		{checks.Between[[]user](s, "labels", 2, nil), `column "labels" is a []string, whose values have no order: name one of numbers, texts or times`},
		{checks.Recent[[]user](s, "id", time.Hour), `column "id" is a int64, and no time: name a column of times`},
		{checks.Recent[[]user](s, "seen", 0), `column "seen": the newest may be 0s old: give a positive duration`},
		{checks.RowCount[[]user](s, checks.Count{}), "any number of rows passes: give Min, Max or Last"},
		{checks.RowCount[[]user](s, checks.Count{Min: 2, Max: 1}), "at least 2 and at most 1 rows: exchange them"},
		{checks.RowCount[[]user](s, checks.Count{Min: -1}), "the count is {Min:-1 Max:0 Last:0 Deviation:0}: no number of it may be less than zero"},
		{checks.RowCount[[]user](s, checks.Count{Min: 1, Deviation: 1}), "a Deviation is from the last counts: give Last"},
	} {
		err := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "t", Assets: []rivers.Asset{users}, Checks: []*rivers.Check{c.check}}).Validate()
		if err == nil || !strings.HasSuffix(err.Error(), ": "+c.want) || !strings.HasPrefix(err.Error(), "checks_test.go:") {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func ExampleUnique() {
	type user struct{ ID int }
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"},
		func(*rivers.AssetContext, rivers.NoInput) ([]user, error) { return []user{{1}, {2}, {2}}, nil })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{users},
		Checks: []*rivers.Check{checks.Unique[[]user](checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "users", Blocking: true}}, "id")},
	})
	ctx := context.Background()
	if err := repo.Resolve(ctx, memory.New()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer func() { _ = repo.Close() }()
	_, err := repo.Materialize(ctx, rivers.RunRequest{RunID: "example"})
	fmt.Println(err)
	// Output: run example: step "users:unique_id": asset "users" did not pass: 1 of 3 rows, first row 3: it is there before
}
