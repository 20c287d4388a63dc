package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) poolsCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List concurrency pools: slots, use, waiting steps", Args: noArgs,
		Long: "List concurrency pools: their slots (as set, otherwise as declared), slots in use and waiting steps.\n--json prints a list of them.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listPools(cmd.Context()) },
	}
	set := &cobra.Command{
		Use: "set NAME SLOTS", Short: "Set the slots of a pool; default restores the declared number", Args: twoArgs, ValidArgsFunction: a.completePools,
		Long: "Set the slots of a pool. The number overrides the definitions until SLOTS is default. Slots held above a smaller number\nstay held until they are returned. An unknown pool is created.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.setPool(cmd.Context(), args[0], args[1]) },
	}
	holders := &cobra.Command{
		Use: "holders [NAME]", Short: "List the steps that hold slots or wait for them", Args: maybeArg, ValidArgsFunction: a.completePools,
		Long: "List the steps that hold slots of one pool or all, then the waiting steps in their order.\n--json prints a list of them.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.listSlots(cmd.Context(), args) },
	}
	free := &cobra.Command{
		Use: "free RUN STEP", Short: "Free the slots of a step, or its place in the queue", Args: twoArgs, ValidArgsFunction: a.completeRuns,
		Long: "Free the slots that a step holds, or its place in the queue. Use it for a holder that is known to be gone; its slots expire\nwithin five minutes anyway. A step that still runs continues without its slots.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.freeSlots(cmd.Context(), args[0], args[1]) },
	}
	return group("pools", "Look after concurrency pools", list, set, holders, free)
}

func (a *app) listPools(ctx context.Context) error {
	return a.withStore(ctx, func(s storage.Reader) error {
		pools, err := s.ListPools(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.PrintJSON(slices.Concat([]storage.PoolRecord{}, pools))
		}
		t := term.Table{Head: []string{"pool", "slots", "in use", "waiting", "declared", "set"}}
		for _, p := range pools {
			use := term.Cell{Text: strconv.Itoa(p.InUse)}
			if p.InUse >= p.Limit {
				use.Paint = term.Yellow
			}
			t.Add(p.Name, p.Limit, use, p.Waiting, slotsText(p.Declared), slotsText(p.Set))
		}
		a.PrintTable(&t)
		return nil
	})
}

func slotsText(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func (a *app) setPool(ctx context.Context, name, slots string) error {
	n := 0
	if slots != "default" {
		var err error
		if n, err = strconv.Atoi(slots); err != nil || n < 1 {
			return usagef("pool %q: %q slots: want 1 or more, or default for the declared number", name, slots)
		}
	}
	return a.withWriter(ctx, func(s storage.Storage) error {
		known, err := findPool(ctx, s, name)
		if err != nil {
			return err
		}
		if known.Name == "" && n == 0 {
			return unknownPool(ctx, s, name)
		}
		if err := s.Commit(ctx, &storage.Batch{Pools: []storage.PoolUpdate{{Name: name, Slots: n}}}); err != nil {
			return err
		}
		if known, err = findPool(ctx, s, name); err != nil {
			return err
		}
		switch {
		case a.json:
			return a.PrintJSON(known)
		case known.Name == "":
			a.Printf("pool %s is removed: no definition declares it\n", name)
		default:
			a.Printf("pool %s has %s, %d in use\n", name, term.Count(known.Limit, "slot", "slots"), known.InUse)
		}
		return nil
	})
}

// findPool returns the pool of a name, or an empty record for an unknown pool.
func findPool(ctx context.Context, s storage.Pools, name string) (storage.PoolRecord, error) {
	pools, err := s.ListPools(ctx)
	for _, p := range pools {
		if p.Name == name {
			return p, err
		}
	}
	return storage.PoolRecord{}, err
}

func unknownPool(ctx context.Context, s storage.Pools, name string) error {
	pools, err := s.ListPools(ctx)
	if err != nil {
		return err
	}
	names := func(yield func(string) bool) {
		for _, p := range pools {
			if !yield(p.Name) {
				return
			}
		}
	}
	return usagef("pool %q: unknown name%s: see pools list", name, suggestion(name, names))
}

func (a *app) listSlots(ctx context.Context, args []string) error {
	return a.withStore(ctx, func(s storage.Reader) error {
		var q storage.SlotQuery
		if len(args) > 0 {
			q.Pool = args[0]
			if known, err := findPool(ctx, s, q.Pool); err != nil {
				return err
			} else if known.Name == "" {
				return unknownPool(ctx, s, q.Pool)
			}
		}
		slots, err := s.ListSlots(ctx, q)
		if err != nil {
			return err
		}
		if a.json {
			return a.PrintJSON(slices.Concat([]storage.SlotRecord{}, slots))
		}
		t := term.Table{Head: []string{"pool", "slots", "state", "run", "step", "since", "until"}}
		for i := range slots {
			r := &slots[i]
			state := term.Cell{Text: "waits", Paint: term.Yellow}
			if r.Holding {
				state = term.Cell{Text: "holds", Paint: term.Green}
			}
			t.Add(r.Pool, r.PoolSlots.Slots, state, r.RunID, r.Key+term.Attempt(int(r.Attempt)), term.Instant(r.Since), term.Instant(r.Until))
		}
		a.PrintTable(&t)
		return nil
	})
}

func (a *app) freeSlots(ctx context.Context, name, step string) error {
	return a.withWriter(ctx, func(s storage.Storage) error {
		run, err := view.FindRun(ctx, s, name)
		if err != nil {
			return err
		}
		slots, err := s.ListSlots(ctx, storage.SlotQuery{Run: run.Key})
		if err != nil {
			return err
		}
		var freed []string
		b := storage.Batch{}
		for i := range slots {
			if slots[i].Key != step {
				continue
			}
			word := "a place in line for"
			if slots[i].Holding {
				word = term.Count(slots[i].PoolSlots.Slots, "slot of", "slots of")
			}
			freed = append(freed, word+" "+slots[i].Pool)
			b.Releases = []storage.SlotRelease{{Run: run.Key, Step: slots[i].Step}}
		}
		if len(freed) == 0 {
			return usagef("step %q of run %s holds no slots and waits for none: see pools holders", step, run.ID)
		}
		if err := s.Commit(ctx, &b); err != nil {
			return err
		}
		if a.json {
			return a.PrintJSON(map[string]any{"run_id": run.ID, "step": step, "freed": freed})
		}
		a.Printf("freed from step %s: %s\n", step, strings.Join(freed, ", "))
		return nil
	})
}

// completePools completes the name of a pool.
func (a *app) completePools(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	err := a.withStore(cmd.Context(), func(s storage.Reader) error {
		pools, err := s.ListPools(cmd.Context())
		for _, p := range pools {
			if strings.HasPrefix(p.Name, prefix) {
				names = append(names, p.Name)
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
