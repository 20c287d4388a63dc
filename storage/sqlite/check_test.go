package sqlite_test

import (
	"strings"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

// TestCheck damages a sound store in one way after another.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ damage, want string }{
		"sound":               {"", ""},
		"two ends":            {"INSERT INTO event SELECT run, 4, at, kind, step, attempt, retry_at, cause, status, asset, detail, era, partition FROM event WHERE n = 3", `run "r" is success and has 2 ends among its events, want one`},
		"no end":              {"DELETE FROM event WHERE n = 3", `run "r" is success and has 0 ends among its events, want one`},
		"open with an end":    {"UPDATE run SET state = 2 WHERE id = 'r'", `run "r" is running, but has an end among its events`},
		"other end":           {"UPDATE run SET state = 4 WHERE id = 'r'", `run "r" is recorded as failure, its end says success`},
		"counts":              {"UPDATE run SET failed = 7 WHERE id = 'r'", `run "r" counts 1 succeeded, 7 failed, 0 skipped, 0 canceled steps; its events say 1, 0, 0, 0`},
		"gap":                 {"DELETE FROM event WHERE n = 1", `run "r" has 2 events numbered from 2 to 3, want 1 to 2`},
		"stray event":         {"UPDATE event SET run = 99 WHERE n = 3", "1 events belong to run 99, which is not recorded"},
		"stray line":          {"INSERT INTO log VALUES (77, 1, 0, 1, 0, 0, 0, '', '')", "1 log lines belong to run 77, which is not recorded"},
		"state without asset": {"DELETE FROM asset", "the materialized state of asset 1: there is no such asset"},
		"state of no run":     {"UPDATE asset_state SET run = 55", `asset "asset_00000" was last materialized by a run that is not recorded`},
		"state of no event":   {"UPDATE asset_state SET n = 1", `asset "asset_00000" was last materialized by event 1 of run "r", which`},
		"older state":         {"INSERT INTO event SELECT run, 4, at + 1, 12, step, attempt, retry_at, cause, status, asset, detail, era, partition FROM event WHERE n = 2", `asset "asset_00000" was last materialized by event 2 of run "r", which has a newer one`},
		"no state":            {"DELETE FROM asset_state", `asset "asset_00000" was materialized by 1 events, but has no such state`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir())
			defer s.Close()
			_, keys := newRun(t, s, "first", 1)
			var b storage.Batch
			if err := oneStepRun(s, "r", keys[0], &b); err != nil {
				t.Fatal(err)
			}
			if c.damage != "" {
				execute(t, s.Path(), c.damage)
			}
			found, err := s.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(found, "\n")
			if c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("found:\n%s\nwant: %s", all, c.want)
			}
		})
	}
}
