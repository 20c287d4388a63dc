package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestPlansAreByKey asks the server how it will execute what the writer says: no statement may read a table from its
// beginning to its end, whatever the server thinks of a table that is empty today.
func TestPlansAreByKey(t *testing.T) {
	t.Parallel()
	target, s := newStore(t)
	session, _, err := target.open(t.Context(), &s.counts)
	if err != nil {
		t.Fatal(err)
	}
	defer session.close()
	to := newTables()
	for _, st := range []*statement{
		lockRuns, lockClaimedRuns, lockPools, readSlots, takeTickets, lookAround,
		&to.insertRuns.statement, &to.updateRuns.statement, &to.insertEvents.statement, &to.replaceEvents.statement, &to.states.statement,
		&to.insertLogs.statement, &to.replaceLogs.statement, &to.insertSlots.statement, &to.updateSlots.statement, &to.declarePools.statement, &to.setPools.statement,
		&to.goneStates.statement, &to.singles.statement, &to.sets.statement, &to.goneSets.statement, &to.newGroups.statement, &to.groups.statement,
		&to.goneGroups.statement, &to.newInFlight.statement, &to.inFlight.statement, &to.goneInFlight.statement, &to.changes.statement, &to.keys.statement,
		&to.keyTables.statement, &to.newBackfills.statement, &to.backfills.statement, &to.backfillSets.statement, &to.goneBackfillSets.statement,
		lockAssets, readSets, readGroups, takeRunKeys, takeBackfillKeys, lockBackfills, lockClaimedBackfills, askBackfillIDs, makeTables, lockTables, findKeys,
		&to.values.statement, &to.topologies.statement, dropValues, dropPools, dropSlots, dropEnded, nameAssets, notify, askKeys, markBatch, voidBatch, dropMark,
	} {
		known, err := session.conn.Prepare(t.Context(), st.name, st.sql)
		if err != nil {
			t.Errorf("%s: %v", st.name, err)
			continue
		}
		ask := "EXPLAIN EXECUTE " + st.name
		if n := len(known.ParamOIDs); n > 0 {
			ask += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
		}
		rows, err := session.conn.Query(t.Context(), ask, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if bad := wholeTable(lines); bad != "" {
			t.Errorf("%s: %s in\n%s", st.name, bad, strings.Join(lines, "\n"))
		}
	}
}

// wholeTable returns the line of a plan that reads a whole table, through an index or not.
func wholeTable(plan []string) string {
	for i, line := range plan {
		byIndex := strings.Contains(line, "Index Scan") || strings.Contains(line, "Index Only Scan")
		hasCondition := i+1 < len(plan) && strings.Contains(plan[i+1], "Index Cond")
		if byIndex && !hasCondition || strings.Contains(line, "Seq Scan") || strings.Contains(line, "Hash Join") || strings.Contains(line, "Merge Join") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
