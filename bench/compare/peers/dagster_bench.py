"""Does a case of bench/compare with Dagster (PyPI).

usage: dagster_bench.py CASE N [--storage sqlite|memory]

Prints a line of JSON with the fields that bench/compare reads. "seconds" is the case alone, without
imports and definitions; bench/compare times "startup" from outside. "backfill" is a run for each key in
this process: Dagster's own daemon would start a process for each.

"stale" and "stale-first" ask what the page asks, staleStatus and staleStatusByPartition, of the resolver behind them, in a
process that has not touched the store before. What is asked about is written by another process, which is not timed,
as events like those that runs leave, because at ten to twenty steps a second runs would need half an hour for 10,000 partitions.
"""

import argparse
import datetime
import json
import logging
import os
import resource
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")

import dagster as dg  # noqa: E402
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus  # noqa: E402
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData  # noqa: E402
from dagster._core.events.log import EventLogEntry  # noqa: E402
from dagster._core.loader import LoadingContext  # noqa: E402

logging.disable(logging.CRITICAL)

CASES = ["startup", "wide", "chain", "layers", "resolve", "runs", "subprocess", "backfill", "onerun", "stale", "stale-first"]


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


class Request(LoadingContext):
    """What is loaded for one question."""

    def __init__(self, instance):
        self.has, self.loaded = instance, {}

    instance = property(lambda self: self.has)
    loaders = property(lambda self: self.loaded)


class Past:
    """Writes materializations into the store of an instance, as a run does, a thousand in a transaction."""

    def __init__(self, instance):
        self.store, self.run, self.latest, self.count = instance.event_log_storage, "00000000-0000-4000-8000-000000000000", {}, 0

    def event(self, name, key, reads):
        self.count += 1
        tags = {"dagster/code_version": self.run, "dagster/data_version": f"{self.count:064x}"}
        for up in reads:
            version, pointer = self.latest[up, key]
            tags |= {f"dagster/input_data_version/{up}": version, f"dagster/input_event_pointer/{up}": str(pointer)}
        made = dg.AssetMaterialization(name, partition=key, tags=tags)
        kind, job = DagsterEventType.ASSET_MATERIALIZATION.value, "__ephemeral_asset_job__"
        event = DagsterEvent(kind, job, event_specific_data=StepMaterializationData(made), message=f"Materialized value {name}.", step_key=name)
        entry = EventLogEntry(error_info=None, level=logging.DEBUG, user_message=event.message, run_id=self.run, timestamp=time.time(),
                              step_key=name, job_name=job, dagster_event=event)  # fmt: skip
        return entry, tags["dagster/data_version"]

    def write(self, made):
        """Writes what was made: names, partition keys and the names of what was read."""
        for begin in range(0, len(made), 1000):
            with self.store.index_transaction() as conn:
                for name, key, reads in made[begin : begin + 1000]:
                    entry, version = self.event(name, key, reads)
                    pointer = conn.execute(self.store.prepare_insert_event(entry)).inserted_primary_key[0]
                    self.store._store_asset_event_tags(conn, [entry], [pointer])
                    self.store._store_asset_event(conn, entry, pointer)
                    self.latest[name, key] = version, pointer


def outdated(i):
    """Whether asset i is in one of the layers that are stale: every second one, from the second on."""
    return i // 10 % 2 == 1


def hours(n):
    start = datetime.datetime(1900, 1, 1)
    return dg.HourlyPartitionsDefinition(start_date=start, end_date=start + datetime.timedelta(hours=n))


def write_stale(n, instance):
    """n assets that were made, and then every second layer again."""
    made = [(f"a{i}", None, [f"a{up}" for up in upstreams("stale", i)]) for i in range(n)]
    past = Past(instance)
    past.write(made)
    past.write([m for i, m in enumerate(made) if not outdated(i)])


def write_first(n, instance):
    """Two assets of n partitions that were made, and then every second one of the upstream again."""
    keys, past = hours(n).get_partition_keys(), Past(instance)
    past.write([("a0", key, []) for key in keys])
    past.write([("a1", key, ["a0"]) for key in keys])
    past.write([("a0", key, []) for key in keys[: n // 2 * 2 : 2]])


def apart(work, n, root):
    """Does work with the instance in a directory, in another process."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with dg.DagsterInstance.local_temp(root) as instance:
                work(n, instance)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def ask(assets, of, instance):
    """The seconds that the statuses of some partitions, or of whole assets, take, and which are stale."""
    graph = dg.Definitions(assets=assets).resolve_asset_graph()

    def work():
        resolver = CachingStaleStatusResolver(instance, graph, Request(instance))
        resolver.instance_queryer.prefetch_asset_records([a.key for a in assets])  # in one query, as the page does
        return [resolver.get_status(asset, key) for asset, key in of]

    seconds, statuses = timed(work)
    assert set(statuses) <= {StaleStatus.FRESH, StaleStatus.STALE}
    return seconds, [s == StaleStatus.STALE for s in statuses]


def stale(n, instance):
    assets = [asset(i, upstreams("stale", i)) for i in range(n)]
    seconds, found = ask(assets, [(a.key, None) for a in assets], instance)
    assert found == [outdated(i) for i in range(n)]
    return seconds


def stale_first(n, instance):
    spec = {"partitions_def": hours(n)}
    assets = [asset(0, **spec), asset(1, [0], **spec)]
    seconds, found = ask(assets, [(assets[1].key, key) for key in spec["partitions_def"].get_partition_keys()], instance)
    assert found == [i % 2 == 0 and i < n // 2 * 2 for i in range(n)]
    return seconds


def main():
    p = argparse.ArgumentParser()
    p.add_argument("case", choices=CASES)
    p.add_argument("n", type=int)
    p.add_argument("--storage", choices=["sqlite", "memory"], default="sqlite")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp:
        writer = {"stale": write_stale, "stale-first": write_first}.get(a.case)
        if writer:  # before this process has threads and connections, which a fork does not take along
            assert a.storage == "sqlite", "what another process wrote is on disk"
            apart(writer, a.n, tmp)
        instance = dg.DagsterInstance.ephemeral() if a.storage == "memory" else dg.DagsterInstance.local_temp(tmp)
        if a.case == "resolve":
            seconds = resolve(a.n)
        elif a.case == "subprocess":
            seconds = subprocesses(a.n, instance)
        elif a.case == "stale":
            seconds = stale(a.n, instance)
        elif a.case == "stale-first":
            seconds = stale_first(a.n, instance)
        else:
            seconds = materialize(a.case, a.n, instance)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"peer": "dagster", "case": a.case, "n": a.n, "storage": a.storage, "seconds": seconds,
                          "per_second": a.n / seconds, "peak_mib": peak}), flush=True)


if __name__ == "__main__":
    main()
