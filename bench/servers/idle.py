"""Many connections of which a tenth is busy: greenlets that are frozen, greenlets that are not, and async/await. Writes
bench/results/idle.json and idle.md; run.sh builds what it needs.

Each round starts every server afresh, connects, and waits until the idle ones have been idle for a while: collections come meanwhile,
as they do in a server that allocates. Then the busy tenth is measured. Of both ends of a connection, each is an open file of its process:
ulimit -n says how many there can be.
"""

import argparse
import datetime
import json
import os
import pathlib
import resource
import statistics
import subprocess
import time

import measure
from measure import BUILT, BYTES, DOTNET, ROOT

SERVERS = [
    ("frozen", "greenlets", [*DOTNET, "greenlets", "echo"], {"NATIVEGREENLET_FREEZE": "auto"}),
    ("linked", "greenlets that are not frozen", [*DOTNET, "greenlets", "echo"], {"NATIVEGREENLET_FREEZE": "off"}),
    ("async", "async/await", [*DOTNET, "async", "echo"], {}),
]
SPARE = 1000  # open files of a process for other things
SETTLING = 12  # seconds: freezing, and then pages
COLLECT_EVERY = 0.5


def most_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - SPARE


def ask(program, line):
    print(line, file=program.process.stdin, flush=True)
    words = program.process.stdout.readline().split()
    return {name: float(value) for name, value in zip(words[::2], words[1::2])}


def observe(command, environment, connections, seconds):
    """What the load says, and how the server is at the end of it."""
    program = measure.Program(command, environment)
    seen = {}
    try:
        load = subprocess.Popen(
            [str(word) for word in [BUILT / "echo_load", program.port, connections, BYTES, SETTLING * 1000, int(seconds * 1000), connections // 10]],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        if not load.stdout.readline().startswith("connected"):
            raise measure.Failure(load.stderr.read() or "it did not connect")
        end = time.monotonic() + SETTLING + seconds - 2
        while time.monotonic() < end and load.poll() is None:
            seen = ask(program, "gen0")
            seen["resident"] = program.status()[1]
            time.sleep(COLLECT_EVERY)
        words = load.communicate(timeout=seconds + 120)[0].split()
        return {**{name: float(value) for name, value in zip(words[::2], words[1::2])}, **seen}
    finally:
        program.stop()


def report(data):
    rows = {row["server"]: row for row in data["rows"]}
    their = rows["async"]
    least, middle, most = data["load"]
    text = [
        "# Mostly idle connections",
        "",
        f"{data['date']}, `./build.sh bench servers --idle`: {data['connections']:,} connections to an echo server with one hub, of which {data['connections'] // 10:,} send"
        f" {BYTES} bytes, wait for them, and send again, all the time. Medians of {data['rounds']} rounds of {data['seconds']:g} s on {data['processors']} processors. One-minute load average of the"
        f" machine meanwhile, this program included: {least:.1f} to {most:.1f}, mostly {middle:.1f}.",
        "",
        "| server | round trips a second | median, ms | p99, ms | of `async`'s | gen0 pause, ms | of `async`'s | resident, MB | of `async`'s | frozen |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for key, label, _, _ in SERVERS:
        row = rows[key]
        frozen = f"{row['frozen']:,.0f}" if key == "frozen" else ""
        text.append(
            f"| {label} | {row['rate']:,.0f} | {row['p50'] / 1000:.1f} | {row['p99'] / 1000:.1f} | {row['p99'] / their['p99']:.2f} | {row['pause']:.2f} | {row['pause'] / their['pause']:.2f}"
            f" | {row['resident'] / 1e6:,.0f} | {row['resident'] / their['resident']:.2f} | {frozen} |"
        )
    idle = data["connections"] - data["connections"] // 10
    text += ["", f"Of {idle:,} idle connections {100 * min(rows['frozen']['frozen'] / idle, 1):.1f} % are frozen at the end, or more: some of the busy ones may be among the frozen.", ""]
    return "\n".join(text)


def main():
    arguments = argparse.ArgumentParser(description="Many connections, a tenth of them busy.")
    arguments.add_argument("--connections", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--measure", type=float, default=6, help="seconds that the load is measured")
    arguments.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results")
    options = arguments.parse_args()
    connections = min(options.connections, most_connections())
    if connections < options.connections:
        print(f"== {connections + SPARE} open files are allowed for each process here, so no more than {connections} connections (ulimit -n)", flush=True)
    runs = {}
    loads = []
    for number in range(options.rounds):
        for key, _, command, environment in SERVERS:
            loads.append(os.getloadavg()[0])
            runs.setdefault(key, []).append(observe(command, environment, connections, options.measure))
            print(f"round {number + 1}, load {loads[-1]:.1f}: {key}", runs[key][-1], flush=True)
    data = {
        "date": datetime.date.today().isoformat(),
        "connections": connections,
        "rounds": options.rounds,
        "seconds": options.measure,
        "processors": os.cpu_count(),
        "load": [min(loads), statistics.median(loads), max(loads)],
        "rows": [{"server": key, **{name: statistics.median(each[name] for each in values) for name in values[0]}, "runs": values} for key, values in runs.items()],
    }
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "idle.json").write_text(json.dumps(data, indent=1) + "\n")
    (options.results / "idle.md").write_text(report(data))
    print(report(data))


if __name__ == "__main__":
    main()
