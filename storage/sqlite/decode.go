package sqlite

// longPlanAt is the length in bytes from which a plan has a row of its own: a run's row is
// rewritten with each of its states, and beyond a quarter of a page that shows.
const longPlanAt = 1024
