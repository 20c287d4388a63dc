"""Does a case of bench/compare with Dagster (PyPI).

usage: dagster_bench.py CASE N [--storage sqlite|memory]

Prints a line of JSON with the fields that bench/compare reads. "seconds" is the case alone, without
imports and definitions; bench/compare times "startup" from outside. "backfill" is a run for each key in
this process: Dagster's own daemon would start a process for each.
"""

import argparse
import json
import logging
import os
import resource
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")

import dagster as dg  # noqa: E402

logging.disable(logging.CRITICAL)

CASES = ["startup", "wide", "chain", "layers", "resolve", "runs", "subprocess", "backfill", "onerun"]


def upstreams(case, i):
    """The indices of what asset i reads, as bench.Shape has them."""
    if case == "chain" and i > 0:
        return [i - 1]
    if case in ("layers", "resolve") and i >= 10:
        row, k = divmod(i, 10)
        return [(row - 1) * 10 + k, (row - 1) * 10 + (k + 1) % 10]
    return []


def asset(i, reads=(), **spec):
    """An asset that is one more than the first of what it reads."""
    args = [f"a{r}" for r in reads]
    scope = {"dg": dg}
    exec(f"def a{i}({', '.join(['context', *args])}):\n    return {args[0] + ' + 1' if args else 1}\n", scope)
    return dg.asset(name=f"a{i}", **spec)(scope[f"a{i}"])


def isolated():
    """The job of subprocess, which each of its processes makes again."""
    assets = [asset(i) for i in range(int(os.environ["DAGSTER_BENCH_N"]))]
    executor = dg.multiprocess_executor.configured({"max_concurrent": os.cpu_count()})
    return dg.Definitions(assets=assets, jobs=[dg.define_asset_job("all", selection="*", executor_def=executor)]).get_job_def("all")


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def resolve(n):
    assets = [asset(i, upstreams("resolve", i)) for i in range(n)]
    seconds, _ = timed(lambda: dg.Definitions(assets=assets).get_repository_def().load_all_definitions())
    return seconds


def materialize(case, n, instance):
    memory = {"io_manager": dg.InMemoryIOManager()}
    times, keys = 1, [None]
    assets = [asset(i, upstreams(case, i)) for i in range(n)]
    tags = {}
    if case == "runs":
        times, assets = n, [asset(0)]
    elif case in ("backfill", "onerun"):
        keys = [f"k{i}" for i in range(n)]
        spec = {"partitions_def": dg.StaticPartitionsDefinition(keys)}
        if case == "onerun":  # one call of the function for all of them
            spec["backfill_policy"] = dg.BackfillPolicy.single_run()
            tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
            keys = [None]
        assets = [asset(0, **spec)]

    def work():
        return [dg.materialize(assets, partition_key=k, instance=instance, resources=memory, tags=tags) for _ in range(times) for k in keys]

    seconds, results = timed(work)
    assert all(r.success for r in results)
    if case in ("backfill", "onerun"):
        assert len(instance.get_materialized_partitions(dg.AssetKey("a0"))) == n
    return seconds


def subprocesses(n, instance):
    os.environ["DAGSTER_BENCH_N"] = str(n)
    seconds, result = timed(lambda: dg.execute_job(dg.reconstructable(isolated), instance=instance))
    assert result.success
    return seconds


def main():
    p = argparse.ArgumentParser()
    p.add_argument("case", choices=CASES)
    p.add_argument("n", type=int)
    p.add_argument("--storage", choices=["sqlite", "memory"], default="sqlite")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp:
        instance = dg.DagsterInstance.ephemeral() if a.storage == "memory" else dg.DagsterInstance.local_temp(tmp)
        if a.case == "resolve":
            seconds = resolve(a.n)
        elif a.case == "subprocess":
            seconds = subprocesses(a.n, instance)
        else:
            seconds = materialize(a.case, a.n, instance)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"peer": "dagster", "case": a.case, "n": a.n, "storage": a.storage, "seconds": seconds,
                          "per_second": a.n / seconds, "peak_mib": peak}), flush=True)


if __name__ == "__main__":
    main()
