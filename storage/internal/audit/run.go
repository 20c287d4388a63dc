package audit

import "github.com/rivers-go/rivers/storage"

// ends compares the state of each run with its ends among the events: an ended run has one, with
// the same state.
func (a *Audit) ends() error {
	type end struct {
		id                  string
		state, ends, status int64
	}
	rows, err := list(a, func(r *end) []any { return []any{&r.id, &r.state, &r.ends, &r.status} }, `
		SELECT run.id, run.state, count(event.n), coalesce(max(event.status), 0)
		FROM run LEFT JOIN event ON event.run = run.key AND event.kind = {run_ended}
		WHERE run.lost & {lost} = 0
		GROUP BY run.key
		HAVING count(event.n) <> CASE WHEN run.state >= {ended} THEN 1 ELSE 0 END OR (count(event.n) = 1 AND max(event.status) <> run.state)
		ORDER BY run.key`)
	for _, r := range rows {
		state := storage.RunState(r.state)
		switch {
		case !state.Terminal():
			a.Found("run %q is %s, but has an end among its events", r.id, state)
		case r.ends == 1:
			a.Found("run %q is recorded as %s, its end as %s", r.id, state, storage.RunState(r.status))
		default:
			a.Found("run %q is %s and has %d ends among its events, want one", r.id, state, r.ends)
		}
	}
	return err
}

// counts compares the steps that an ended run counts with the last outcome of each step among its
// events. Where all of them are there, they are right.
func (a *Audit) counts() error {
	type steps struct{ succeeded, failed, skipped, canceled int64 }
	type counted struct {
		key        int64
		id         string
		have, want steps
		whole      int64
	}
	columns := func(r *counted) []any {
		return []any{
			&r.key, &r.id, &r.have.succeeded, &r.have.failed, &r.have.skipped, &r.have.canceled,
			&r.want.succeeded, &r.want.failed, &r.want.skipped, &r.want.canceled, &r.whole,
		}
	}
	rows, err := list(a, columns, `
		WITH outcome AS (
			SELECT run, step, max(n) AS n FROM event
			WHERE kind IN ({step_succeeded}, {step_expanded}, {step_reused}, {step_skipped}, {step_canceled}) OR (kind = {step_failed} AND retry_at = 0)
			GROUP BY run, step
		), counted AS (
			SELECT outcome.run,
				sum(CASE WHEN event.kind IN ({step_succeeded}, {step_expanded}, {step_reused}) THEN 1 ELSE 0 END) AS succeeded,
				sum(CASE WHEN event.kind = {step_failed} THEN 1 ELSE 0 END) AS failed,
				sum(CASE WHEN event.kind = {step_skipped} THEN 1 ELSE 0 END) AS skipped,
				sum(CASE WHEN event.kind = {step_canceled} THEN 1 ELSE 0 END) AS canceled
			FROM outcome JOIN event ON event.run = outcome.run AND event.n = outcome.n
			GROUP BY outcome.run
		), whole AS (
			SELECT run, CASE WHEN min(n) = 1 AND max(n) = count(*) THEN 1 ELSE 0 END AS whole FROM event GROUP BY run
		)
		SELECT run.key, run.id, run.succeeded, run.failed, run.skipped, run.canceled,
			coalesce(counted.succeeded, 0), coalesce(counted.failed, 0), coalesce(counted.skipped, 0), coalesce(counted.canceled, 0), whole.whole
		FROM run JOIN whole ON whole.run = run.key LEFT JOIN counted ON counted.run = run.key
		WHERE run.state >= {ended} AND run.lost & {lost} = 0
			AND (run.succeeded <> coalesce(counted.succeeded, 0) OR run.failed <> coalesce(counted.failed, 0)
				OR run.skipped <> coalesce(counted.skipped, 0) OR run.canceled <> coalesce(counted.canceled, 0))
		ORDER BY run.key`)
	for _, r := range rows {
		have, want := r.have, r.want
		f := a.Found("run %q counts %d succeeded, %d failed, %d skipped, %d canceled steps; its events say %d, %d, %d, %d", r.id,
			have.succeeded, have.failed, have.skipped, have.canceled, want.succeeded, want.failed, want.skipped, want.canceled)
		if r.whole != 0 {
			f.Mend(a.exec(`UPDATE run SET succeeded = $1, failed = $2, skipped = $3, canceled = $4 WHERE key = $5`,
				want.succeeded, want.failed, want.skipped, want.canceled, r.key), "run %q: its steps were counted again", r.id)
		}
	}
	return err
}

// numbers looks for runs whose events are not numbered from 1 without gaps.
func (a *Audit) numbers() error {
	type numbered struct {
		id                      string
		lowest, highest, events int64
	}
	rows, err := list(a, func(r *numbered) []any { return []any{&r.id, &r.lowest, &r.highest, &r.events} }, `
		SELECT run.id, min(event.n), max(event.n), count(*)
		FROM event JOIN run ON run.key = event.run
		WHERE run.lost & {lost} = 0
		GROUP BY run.key
		HAVING min(event.n) <> 1 OR max(event.n) <> count(*)
		ORDER BY run.key`)
	for _, r := range rows {
		a.Found("run %q has %d events numbered from %d to %d, want 1 to %d", r.id, r.events, r.lowest, r.highest, r.events)
	}
	return err
}

// strays looks for events and log lines of runs that are not recorded.
func (a *Audit) strays() error {
	type stray struct{ run, rows int64 }
	columns := func(r *stray) []any { return []any{&r.run, &r.rows} }
	events, err := list(a, columns, `
		SELECT run, count(*) FROM event WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.key = event.run) GROUP BY run ORDER BY run`)
	if err != nil {
		return err
	}
	for _, r := range events {
		a.Found("%d events belong to run %d, which is not recorded", r.rows, r.run)
	}
	lines, err := list(a, columns, `
		SELECT run, count(*) FROM log WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.key = log.run) GROUP BY run ORDER BY run`)
	for _, r := range lines {
		a.Found("%d log lines belong to run %d, which is not recorded", r.rows, r.run)
	}
	return err
}

// leases looks for ended runs that are still leased.
func (a *Audit) leases() error {
	type leased struct {
		key, state int64
		id, owner  string
	}
	rows, err := list(a, func(r *leased) []any { return []any{&r.key, &r.id, &r.state, &r.owner} }, `
		SELECT key, id, state, owner FROM run WHERE state >= {ended} AND lease_until <> 0 ORDER BY key`)
	for _, r := range rows {
		a.Found("run %q is %s and still leased to %q", r.id, storage.RunState(r.state), r.owner).
			Mend(a.exec(`UPDATE run SET lease_until = 0 WHERE key = $1`, r.key), "run %q has ended: its lease was ended too", r.id)
	}
	return err
}

// slots looks for slots that are held, or waited for, by runs that nobody executes.
func (a *Audit) slots() error {
	type slot struct {
		ticket, run   int64
		pool, stepKey string
		id            *string
		state         *int64
	}
	rows, err := list(a, func(r *slot) []any { return []any{&r.ticket, &r.pool, &r.stepKey, &r.run, &r.id, &r.state} }, `
		SELECT slot.ticket, slot.pool, slot.step_key, slot.run, run.id, run.state
		FROM slot LEFT JOIN run ON run.key = slot.run
		WHERE slot.until > {now} AND (run.key IS NULL OR run.state >= {ended} OR run.owner = '')
		ORDER BY slot.ticket, slot.pool`)
	for _, r := range rows {
		var f *Finding
		switch {
		case r.id == nil || r.state == nil:
			f = a.Found("pool %q: step %q of run %d has a place, and the run is not recorded", r.pool, r.stepKey, r.run)
		case storage.RunState(*r.state).Terminal():
			f = a.Found("pool %q: step %q of run %q has a place, and the run is %s", r.pool, r.stepKey, *r.id, storage.RunState(*r.state))
		default:
			f = a.Found("pool %q: step %q of run %q has a place, and the run is nobody's", r.pool, r.stepKey, *r.id)
		}
		free := a.exec(`DELETE FROM slot WHERE ticket = $1 AND pool = $2`, r.ticket, r.pool)
		f.Mend(func() error {
			a.touched |= storage.TopicSlots
			return free()
		}, "pool %q: the place of step %q was freed", r.pool, r.stepKey)
	}
	return err
}
