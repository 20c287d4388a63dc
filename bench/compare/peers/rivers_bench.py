"""Does a case of bench/compare with rivers (PyPI).

usage: rivers_bench.py CASE N [--storage embedded|memory]

Prints a line of JSON with the fields that bench/compare reads. "seconds" is the case alone, without
imports and definitions; bench/compare times "startup" from outside.

"stale" asks in a process that has not touched the store before. What it asks about is made by another process, which is
not timed. What is below something stale is stale too for this one, which is all but the first layer and not every second one.
"""

import argparse
import json
import os
import resource
import tempfile
import time

import rivers as rs

CASES = ["startup", "wide", "chain", "layers", "resolve", "runs", "subprocess", "backfill", "onerun", "stale"]


def upstreams(case, i):
    """The indices of what asset i reads, as bench.Shape has them."""
    if case == "chain" and i > 0:
        return [i - 1]
    if case in ("layers", "resolve", "stale") and i >= 10:
        row, k = divmod(i, 10)
        return [(row - 1) * 10 + k, (row - 1) * 10 + (k + 1) % 10]
    return []


def asset(i, reads=(), **spec):
    """An asset that is one more than the first of what it reads."""
    args = [f"a{r}" for r in reads]
    scope = {}
    exec(f"def a{i}({', '.join(args)}):\n    return {args[0] + ' + 1' if args else 1}\n", scope)
    return rs.Asset(**spec)(scope[f"a{i}"]) if spec else rs.Asset(scope[f"a{i}"])


def repository(assets, workers=1):
    one = rs.Executor.in_process() if workers == 1 else rs.Executor.parallel(max_workers=workers)
    return rs.CodeRepository(assets=assets, default_executor=one)


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def resolve(n, store):
    assets = [asset(i, upstreams("resolve", i)) for i in range(n)]

    def work():
        repo = repository(assets)
        repo.validate()
        repo.resolve(store)
        return repo

    return timed(work)


def backfill(n, store, strategy):
    keys = [f"k{i}" for i in range(n)]
    repo = repository([asset(0, partitions_def=rs.PartitionsDefinition.static_(keys))])
    repo.resolve(store)
    chosen = [rs.PartitionKey.single(k) for k in keys]
    seconds, result = timed(lambda: repo.backfill(selection=["a0"], partition_keys=chosen, strategy=strategy, max_concurrency=4))
    assert result.completed == n, result
    return seconds, repo


def runs(n, store):
    repo = repository([asset(0)])
    repo.resolve(store)
    seconds, results = timed(lambda: [repo.materialize() for _ in range(n)])
    assert all(r.success for r in results)
    return seconds, repo


def files(tmp):
    """What an asset needs whose value is read by others than the run that made it."""
    from obstore.store import LocalStore

    os.makedirs(tmp + "/values", exist_ok=True)
    return {"io_handler": rs.PickleIOHandler(store=LocalStore(tmp + "/values"))}


def materialize(case, n, store, tmp):
    spec, workers = {}, 1
    if case == "subprocess":  # values cross processes in files
        spec, workers = files(tmp), os.cpu_count()
    repo = repository([asset(i, upstreams(case, i), **spec) for i in range(n)], workers)
    repo.resolve(store)
    seconds, result = timed(repo.materialize)
    assert result.success, result
    return seconds, repo


def stale_repository(n, store, tmp):
    spec = files(tmp)
    repo = repository([asset(i, upstreams("stale", i), **spec) for i in range(n)])
    repo.resolve(store)
    return repo


def write_stale(n, tmp):
    """n assets that were made, and then every second layer again, by another process."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            repo = stale_repository(n, rs.Storage.embedded(tmp + "/db"), tmp)
            assert repo.materialize().success
            assert repo.materialize(selection=[f"a{i}" for i in range(n) if i // 10 % 2 == 0]).success
            repo.shutdown()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def stale(n, store, tmp):
    repo = stale_repository(n, store, tmp)
    seconds, found = timed(store.compute_staleness)
    assert {name for name, (status, _) in found.items() if status == "Stale"} == {f"a{i}" for i in range(10, n)}
    assert len(found) == n
    return seconds, repo


def main():
    p = argparse.ArgumentParser()
    p.add_argument("case", choices=CASES)
    p.add_argument("n", type=int)
    p.add_argument("--storage", choices=["embedded", "memory"], default="embedded")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp:
        if a.case == "stale":  # before this process has threads and a store, which a fork does not take along
            assert a.storage == "embedded", "what another process wrote is on disk"
            write_stale(a.n, tmp)
        store = rs.Storage.memory() if a.storage == "memory" else rs.Storage.embedded(tmp + "/db")
        if a.case == "resolve":
            seconds, repo = resolve(a.n, store)
        elif a.case == "runs":
            seconds, repo = runs(a.n, store)
        elif a.case == "backfill":
            seconds, repo = backfill(a.n, store, rs.BackfillStrategy.multi_run())
        elif a.case == "onerun":
            seconds, repo = backfill(a.n, store, rs.BackfillStrategy.single_run())
        elif a.case == "stale":
            seconds, repo = stale(a.n, store, tmp)
        else:
            seconds, repo = materialize(a.case, a.n, store, tmp)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"peer": "rivers", "case": a.case, "n": a.n, "storage": a.storage, "seconds": seconds,
                          "per_second": a.n / seconds, "peak_mib": peak}), flush=True)
        repo.shutdown()


if __name__ == "__main__":
    main()
