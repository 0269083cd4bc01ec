"""Measures the sample LegacyShop under load, in four ways: synchronous on the thread pool, as it always was; the same woven; the same parked; and
rewritten by hand as async. Writes bench/results/blocking.json, blocking.md and its pictures; run.sh builds what it needs.

A round starts each server afresh and warms it up, until its code is compiled: until two loads in a row have the same rate, nearly. Then, for
each number of connections, the servers take turns under the load, the first part of which is not measured where there are many. What counts is
the median of the rounds. The load, the database and the supplier have the same processors as the servers, and all servers the same collector."""

import argparse
import datetime
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench/peers"))

import chart  # noqa: E402
import compare  # noqa: E402
import report  # noqa: E402

# Which has the same name as this one.
specification = importlib.util.spec_from_file_location("servers", ROOT / "bench/servers/measure.py")
sys.path.append(str(ROOT / "bench/servers"))
servers = importlib.util.module_from_spec(specification)
specification.loader.exec_module(servers)

BIN = ROOT / "artifacts/bin"
PROGRAM = ["dotnet", BIN / "NativeGreenlet.Blocking/release/NativeGreenlet.Blocking.dll"]
WOVEN = ["dotnet", BIN / "LegacyShop/release/LegacyShop.dll", "serve"]
WAYS = {
    "pool": ("thread pool", [*PROGRAM, "pool"]),
    "woven": ("woven", WOVEN),
    "park": ("parked", [*PROGRAM, "park"]),
    "async": ("rewritten as async", [*PROGRAM, "async"]),
}
CONNECTIONS = [10, 100, 1000, 5000]
CHARTED = 1000
DELAY = 500  # milliseconds that the supplier takes
WARM_UP = 100, 5  # connections and seconds
WARM_UPS = 12  # at most
STEADY = 0.1  # the difference between two of them
MANY = 1000  # connections from which on there is a load before the one that is measured
PICTURES = {
    "rate": ("requests a second", "longer", lambda value: f"{value:,.0f}"),
    "p99": ("99th percentile of what a request took", "shorter", lambda value: report.duration(value * 1000)),
    "threads": ("threads", "shorter", lambda value: f"{value:,.0f}"),
}


def load(port, connections, seconds):
    """What wrk says, of a time in which all connections have been made."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "120s", "--latency", f"http://127.0.0.1:{port}/quote/7"]
    text = servers.run(command, seconds + 150)
    figures = {f"p{share}": servers.microseconds(re.search(rf"^\s+{share}%\s+(\S+)", text, re.MULTILINE)[1]) for share in (50, 99)}
    figures["rate"] = float(re.search(r"Requests/sec:\s+(\S+)", text)[1])
    figures["failed"] = sum(int(number) for line in re.findall(r"Socket errors:.*|Non-2xx.*", text) for number in re.findall(r"\d+", line.replace("2xx", "").replace("3xx", "")))
    return figures


def warm_up(program):
    """A machine that is busy compiles late: a server that has not answered once so far is cold, not slow."""
    last = 0
    for _ in range(WARM_UPS):
        rate = load(program.port, *WARM_UP)["rate"]
        if last and abs(rate - last) <= STEADY * last:
            return
        last = rate


def settle(way, options):
    """Requests that nobody waits for any more are still answered."""
    if way in ("pool", "park"):
        time.sleep(options.settle)


def sample(program, connections, seconds):
    sampler = servers.Sampler(program, seconds)
    sampler.start()
    try:
        figures = load(program.port, connections, seconds)
    finally:
        sampler.ended.set()
        sampler.join()
    return figures | {"threads": sampler.threads, "resident": sampler.resident, "load": os.getloadavg()[0]}


def round_of(options, database, samples, problems):
    programs, suppliers = {}, []
    try:
        for way in options.ways:
            suppliers.append(servers.Program([*PROGRAM, "supplier", DELAY]))
            programs[way] = servers.Program([*WAYS[way][1], database, suppliers[-1].version])
            warm_up(programs[way])
        for connections in options.connections:
            for way in options.ways:
                if (way, connections) in problems:
                    continue
                try:
                    if connections >= MANY:
                        load(programs[way].port, connections, options.lead)
                        settle(way, options)
                    figures = sample(programs[way], connections, options.measure)
                    samples.setdefault((connections, way), []).append(figures)
                    print(f"{connections} connections, {way}:", {name: round(value, 1) for name, value in figures.items()}, flush=True)
                except servers.FAILURES as failure:
                    problems[way, connections] = str(failure)
                    print(f"== Without {way} at {connections} connections: {failure}", flush=True)
                settle(way, options)
    finally:
        for program in [*programs.values(), *suppliers]:
            program.stop()


def ratio(value):
    return "–" if value is None else report.times(value)


def time_of(row, name):
    return report.duration(row[name] * 1000) if row["rate"] else "no answer"


def write(path):
    data = json.loads(path.read_text())
    rows = {(row["connections"], row["way"]): row for row in data["rows"]}
    numbers = list(dict.fromkeys(connections for connections, _ in rows))

    def of(connections, name, way, other):
        above, below = rows.get((connections, way)), rows.get((connections, other))
        return above[name] / below[name] if above and below and below[name] else None

    heads = ["connections", "server", "a second", "p50", "p99", "threads", "resident", "answers that were errors"]
    table = [
        [
            f"{connections:,}", WAYS[way][0], f"{row['rate']:,.0f}", time_of(row, "p50"), time_of(row, "p99"), f"{row['threads']:,.0f}",
            f"{row['resident'] / 2**20:,.0f} MiB", f"{row['failed']:,.0f}",
        ]
        for (connections, way), row in rows.items()
    ]
    goals = [
        [f"{connections:,}", ratio(of(connections, "rate", "woven", "async")), ratio(of(connections, "rate", "woven", "pool")), ratio(of(connections, "rate", "park", "async")),
         f"{rows[connections, 'woven']['threads']:,.0f}" if (connections, "woven") in rows else "–"]
        for connections in numbers
    ]
    least, most = data["load"]
    charted = CHARTED if CHARTED in numbers else numbers[-1]
    text = [
        "# Blocking code under load",
        "",
        f"{data['date']}, `./build.sh bench blocking` on {data['machine']['processor']}, {data['machine']['cores']} cores, {data['machine']['system']}, {data['version']}: {data['rounds']}"
        f" {'round' if data['rounds'] == 1 else 'rounds'}, the median of each, {data['seconds']:g} s a load. Load average of the machine meanwhile, this program included: {least:.1f} to {most:.1f};"
        f" other programs used {data['others']:.0%} of it.",
        "",
        "The sample `LegacyShop`: a request asks PostgreSQL three times (by EF Core, Npgsql and Dapper) and a supplier once (by `HttpClient`), who takes"
        f" {data['delay']} ms; not a line is about greenlets. `wrk`, the database and the supplier have the same processors as the server.",
        "",
        *(f"![At {charted:,} connections: {PICTURES[name][0]}](blocking-{name}.svg)\n" for name in PICTURES),
        report.table(heads, table),
        "",
        "The aims: woven, 0.9 of `async` and 10 times the thread pool at 1,000 connections, with fewer than 40 threads.",
        "",
        *(["Where there is no answer, none came within the time of the load."] * any(not row["rate"] for row in rows.values())),
        *([""] * any(not row["rate"] for row in rows.values())),
        report.table(["connections", "woven, of async", "woven, of the thread pool", "parked, of async", "threads, woven"], goals),
        "",
        *(f"- {WAYS[problem['way']][0]}, {problem['connections']} connections, is left out: {problem['reason']}" for problem in data["problems"]),
    ]
    path.with_suffix(".md").write_text("\n".join(text).rstrip("\n") + "\n")
    for name, (what, better, show) in PICTURES.items():
        bars = [chart.Bar(WAYS[way][0], rows[charted, way][name], show(rows[charted, way][name]), way == "woven") for way in WAYS if rows.get((charted, way), {}).get(name)]
        if bars:
            bars.sort(key=lambda bar: bar.value, reverse=better == "longer")
            path.with_name(f"blocking-{name}.svg").write_text(chart.draw(f"Blocking code, {charted:,} connections: {what}", f"median; {better} is better", bars))
    print("\n".join(text))


def main():
    arguments = argparse.ArgumentParser(description="A server whose code blocks: on the thread pool, woven, parked, rewritten.")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--measure", type=float, default=10, help="seconds of one load")
    arguments.add_argument("--lead", type=float, default=10, help="seconds of a load that is not measured, with many connections")
    arguments.add_argument("--settle", type=float, default=10, help="seconds after a load of what blocks threads")
    arguments.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    arguments.add_argument("--connections", nargs="+", type=int, default=CONNECTIONS)
    arguments.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results")
    options = arguments.parse_args()
    most = servers.allow_connections(max(options.connections))
    options.connections = [connections for connections in options.connections if connections <= most]
    others = compare.Others()
    database = servers.Program([*PROGRAM, "database"])
    samples, problems, version = {}, {}, None
    try:
        for _ in range(options.rounds):
            round_of(options, database.version, samples, problems)
        version = subprocess.run(["dotnet", "--version"], capture_output=True, text=True).stdout.strip()
    finally:
        database.stop()
    loads = [each["load"] for values in samples.values() for each in values]
    path = options.results / "blocking.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": compare.machine(),
        "version": f".NET SDK {version}",
        "others": others.share(),
        "rounds": options.rounds,
        "seconds": options.measure,
        "delay": DELAY,
        "load": [min(loads), max(loads)],
        "problems": [{"way": way, "connections": connections, "reason": reason} for (way, connections), reason in problems.items()],
        "rows": [{"connections": connections, "way": way, **servers.medians(values), "samples": values} for (connections, way), values in sorted(samples.items(), key=lambda item: (item[0][0], list(WAYS).index(item[0][1])))],
    }, indent=1) + "\n")
    write(path)


if __name__ == "__main__":
    main()
