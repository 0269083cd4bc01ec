"""Segments against Slices: the same program, in the same run. Rounds of one process for each measurement, until the time is
over (--minutes N, by default 7); what is written are medians. Into bench/results: strategies.json, strategies.md and a
picture of each curve; and the tables into docs/strategies.md, between its marks. --report: only writes again what the last
run measured. --frozen: greenlets on Segments that are frozen, against those that are not, instead; frozen.json, frozen.md and pictures."""

import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench" / "peers"))

import chart  # noqa: E402

RESULTS = ROOT / "bench" / "results"
DOCUMENT = ROOT / "docs" / "strategies.md"
MARKS = ("<!-- measured: written by bench/strategies/run.py -->\n", "<!-- end of measured -->\n")
PROGRAM = ROOT / "artifacts" / "bin" / "NativeGreenlet.Strategies" / "release" / "NativeGreenlet.Strategies.dll"
COUNTS = [1_000, 10_000, 100_000, 500_000]
MOST_SEGMENTS = 100_000
DEPTHS = [0, 5]
SIZES = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
BACKENDS = ["Segments", "Slices"]
CLASSES = {"Segments": "ours", "Slices": "second", "Frozen": "third"}
FROZEN_COUNTS = [10_000, 100_000, 1_000_000]
LEAST_ROUNDS = 3
CONTROL = -1  # instead of a depth
COSTS = -1  # instead of a count


def run(backend, *arguments, freezes=False):
    environment = dict(os.environ, NATIVEGREENLET_FREEZE="auto" if freezes else "off", NATIVEGREENLET_BACKEND=backend.lower(), DOTNET_gcConservative="1" if backend == "Slices" else "0")
    done = subprocess.run(["dotnet", str(PROGRAM), *map(str, arguments)], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{backend} {arguments}: {done.stderr or done.stdout}")
    words = done.stdout.split()
    return {name: float(value) for name, value in zip(words[::2], words[1::2]) if name != "backend"}


def measurements():
    for size in SIZES:
        for backend in BACKENDS:
            yield backend, "switch", size
    for count in COUNTS:
        for depth in DEPTHS:
            for backend in BACKENDS:
                if backend == "Slices" or count <= MOST_SEGMENTS:
                    yield backend, "park", count, depth
                if count <= MOST_SEGMENTS and depth == 0:
                    yield backend, "park", count, depth, "compact"


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def measure(minutes):
    """Each round does everything once, so that a slow minute of the machine hits everything alike."""
    runs = {key: [] for key in measurements()}
    loads = []
    start = time.monotonic()
    rounds = 0
    while rounds < LEAST_ROUNDS or (time.monotonic() - start) * (rounds + 1) / rounds < minutes * 60:
        for key in runs:
            loads.append(os.getloadavg()[0])
            runs[key].append(run(*key))
            print(f"round {rounds + 1}, load {loads[-1]:.1f}:", *key, {name: round(value, 1) for name, value in runs[key][-1].items()}, flush=True)
        rounds += 1
    rows = [
        {"backend": key[0], "what": " ".join(key[1:2] + key[4:]), "size" if key[1] == "switch" else "count": key[2], "depth": key[3] if len(key) > 3 else 0}
        | {name: statistics.median(each[name] for each in values) for name in values[0]}
        | {"runs": values}
        for key, values in runs.items()
    ]
    runtime = subprocess.run(["dotnet", "--list-runtimes"], capture_output=True, text=True).stdout
    return {
        "date": datetime.date.today().isoformat(),
        "rounds": rounds,
        "seconds": round(time.monotonic() - start),
        "load": [min(loads), statistics.median(loads), max(loads)],
        "processor": f"{os.cpu_count()} x {processor()}",
        "runtime": [line.split()[1] for line in runtime.splitlines() if line.startswith("Microsoft.NETCore.App 10.")][-1:],
        "rows": rows,
    }


def measure_frozen(rounds, most):
    """Median of each figure. What is linked is measured up to where its collections take seconds."""
    runs = {}
    loads = []
    for number in range(rounds):
        for count in (count for count in FROZEN_COUNTS if count <= most):
            for depth in DEPTHS:
                for freezes in (False, True):
                    if freezes or count <= MOST_SEGMENTS:
                        loads.append(os.getloadavg()[0])
                        values = run("Segments", "park", count, depth, *(["freeze"] if freezes else []), freezes=freezes)
                        runs.setdefault((freezes, count, depth), []).append(values)
                        print(f"round {number + 1}, load {loads[-1]:.1f}:", "frozen" if freezes else "linked", count, depth, values, flush=True)
        runs.setdefault((True, min(most, FROZEN_COUNTS[-1]), CONTROL), []).append(run("Segments", "control", min(most, FROZEN_COUNTS[-1])))
        for depth in DEPTHS:
            measure_costs(runs, depth)
        for freezes in (False, True):  # both in turn
            runs.setdefault((freezes, 0, 0), []).append(run("Segments", "switch", SIZES[0], freezes=freezes))
    return {
        "date": datetime.date.today().isoformat(),
        "rounds": rounds,
        "load": [min(loads), statistics.median(loads), max(loads)],
        "processor": f"{os.cpu_count()} x {processor()}",
        "rows": [
            {"isFrozen": key[0], "count": key[1], "depth": key[2]} | {name: statistics.median(each[name] for each in values) for name in values[0]} | {"runs": values}
            for key, values in runs.items()
        ],
    }


def measure_costs(runs, depth):
    values = run("Segments", "costs", FROZEN_COUNTS[0], depth, freezes=True)
    runs.setdefault((True, COSTS, depth), []).append(values)
    print("costs", depth, values, flush=True)


def report_frozen(data):
    least, middle, most = data["load"]
    rows = [row for row in data["rows"] if row["count"] > 0 and row["depth"] != CONTROL]
    costs = [row for row in data["rows"] if row["count"] == COSTS]
    control = next(row for row in data["rows"] if row["depth"] == CONTROL)
    switches = {row["isFrozen"]: row["switch"] for row in data["rows"] if not row["count"]}
    text = [
        "# Frozen parks",
        "",
        f"{data['date']}, `./build.sh bench strategies --frozen` on {data['processor']}: medians of {data['rounds']} processes each."
        f" One-minute load average of the machine meanwhile, this program included: {least:.1f} to {most:.1f}, mostly {middle:.1f}.",
        "",
        "| parked | frames below | frozen | gen0, ms | gen0 with 1,000 of them continued, ms | gen2, ms | gen2, ms of processors | continued, ns each | bytes each in place | bytes each, pages given back |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: (row["count"], row["depth"], row["isFrozen"])):
        if "frozen" in row["runs"][0]:
            mean = {name: statistics.median(each[name] for each in row["runs"]) for name in row["runs"][0]}
            text.append(
                f"| {row['count']:,} | {row['depth']} | {mean['frozen']:,.0f} | {mean['settled'] / 1e6:,.3f} | {mean['awake'] / 1e6:,.2f} | {mean['old'] / 1e6:,.0f} | {mean['oldcpu'] / 1e6:,.0f} | {mean['thaw']:,.0f}"
                f" | {mean['inplace']:,.0f} | {mean['bytes']:,.0f} |"
            )
        else:
            text.append(f"| {row['count']:,} | {row['depth']} | none | {row['gen0'] * row['count'] / 1e6:,.3f} | | {row['gen2'] * row['count'] / 1e6:,.0f} | | | {row['bytes']:,.0f} | |")
    text += ["", f"As many plain objects as {control['count']:,} frozen greenlets keep alive, of the same sizes: gen0 {control['settled'] / 1e6:.3f} ms, gen2 {control['old'] / 1e6:.0f} ms, {control['oldcpu'] / 1e6:.0f} ms of processors."]
    for row in costs:
        text += [
            "",
            f"{FROZEN_COUNTS[0]:,} greenlets, {row['depth']} frames below, their stacks in place: {row['freeze']:,.0f} ns to freeze each;"
            f" {row['thaw']:,.0f} ns to continue each that is frozen until it parks again, {row['plain']:,.0f} if it is not: {row['thaw'] - row['plain']:,.0f} ns to thaw it.",
        ]
    text += ["", f"A switch between two hot greenlets: {switches[False]:.1f} ns without freezing, {switches[True]:.1f} ns with it, in processes by turns.", ""]
    text += ["![Generation 0](strategies-frozen-gen0.svg)", ""]
    (RESULTS / "frozen.md").write_text("\n".join(text))
    series = {}
    for freezes, label in ((False, "Segments"), (True, "Frozen")):
        for depth in DEPTHS:
            series[label + (f", {depth} deep" if depth else "")] = [
                (row["count"], statistics.median(each["settled"] if freezes else each["gen0"] * row["count"] for each in row["runs"]) / 1000)
                for row in rows
                if row["depth"] == depth and bool("frozen" in row["runs"][0]) == freezes
            ]
    if len({row["count"] for row in rows}) > 1:
        curve("frozen-gen0", "A generation 0 collection", "parked greenlets", "\u00b5s", series)
    print("\n".join(text))


def find(data, backend, what, **wanted):
    rows = [row for row in data["rows"] if row["backend"] == backend and row["what"] == what]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def tables(data):
    least, middle, most = data["load"]
    text = [
        f"{data['date']}, one run of `./build.sh bench strategies` on {data['processor']}, .NET {' '.join(data['runtime'])}: medians of {data['rounds']} processes each,"
        f" in {data['seconds'] / 60:.0f} minutes. One-minute load average of the machine meanwhile, this program included: {least:.1f} to {most:.1f}, mostly {middle:.1f}.",
        "",
        "| backend | parked | frames below | bytes each | stack each | first start, ns | gen0, ns each | the same after compaction | gen2, ns each |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for backend in BACKENDS:
        for depth in DEPTHS:
            for row in find(data, backend, "park", depth=depth):
                compacted = find(data, backend, "park compact", depth=depth, count=row["count"])
                after = f"{compacted[0]['gen0']:,.0f}" if compacted else ""
                text.append(
                    f"| {backend} | {row['count']:,} | {depth} | {row['bytes']:,.0f} | {row['stack']:,.0f} | {row['start']:,.0f} | {row['gen0']:,.0f} | {after} | {row['gen2']:,.0f} |"
                )
    text += ["", "| held on the stack, bytes | stack in use on Slices | Segments, ns a switch | Slices, ns a switch |", "|---|---|---|---|"]
    for size in SIZES:
        segments, slices = (find(data, backend, "switch", size=size)[0] for backend in BACKENDS)
        text.append(f"| {size:,} | {slices['stack']:,.0f} | {segments['switch']:,.1f} | {slices['switch']:,.1f} |")
    return text + ["", "| aim | measured | |", "|---|---|---|"] + [f"| {aim} | {measured} | {'reached' if is_reached else '**missed**'} |" for aim, measured, is_reached in aims(data)]


def aims(data):
    """What Slices were made for."""
    most = max(find(data, "Slices", "park", count=COUNTS[-1]), key=lambda row: row["resident"])
    yield f"{COUNTS[-1]:,} parked greenlets in 4 GiB", f"{most['resident'] / 2**30:.2f} GiB resident, {most['depth']} frames below", most["resident"] <= 2**32
    shallow = find(data, "Slices", "park", depth=0)
    worst = max(shallow, key=lambda row: row["bytes"])
    yield "at most 2,560 bytes each at depth 0", f"{worst['bytes']:,.0f} at {worst['count']:,}, {min(row['bytes'] for row in shallow):,.0f} at best", worst["bytes"] <= 2560
    for what, after in (("park", ""), ("park compact", ", after a compacting collection")):
        ratios = [
            (find(data, "Slices", what, depth=row["depth"], count=row["count"])[0]["gen0"] / row["gen0"], row["count"], row["depth"])
            for row in find(data, "Segments", what)
        ]
        ratio, count, depth = max(ratios)
        yield f"generation 0 pause of each at most a quarter of that on Segments{after}", f"{ratio:.2f} at worst ({count:,}, {depth} frames below), {min(ratios)[0]:.2f} at best", ratio <= 0.25


def curve(name, title, x_label, y_label, series):
    """Logarithmic in both directions."""
    width, height, left, top, right, bottom = 760, 400, 80, 56, 170, 56
    points = [point for line in series.values() for point in line]
    xs, ys = [math.log10(x) for x, _ in points], [math.log10(max(y, 0.1)) for _, y in points]
    low_y, high_y = math.floor(min(ys)), math.ceil(max(ys))

    def place(x, y):
        return (
            left + (math.log10(x) - min(xs)) / (max(xs) - min(xs)) * (width - left - right),
            top + (high_y - math.log10(max(y, 0.1))) / max(1, high_y - low_y) * (height - top - bottom),
        )

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"  <title>{title}</title>",
        *chart.style([
            "text { font: 13px system-ui, sans-serif; fill: [pale]; }",
            ".ground { fill: [ground]; }",
            ".title { font-size: 17px; font-weight: 600; fill: [text]; }",
            ".grid { stroke: #8884; }",
            "path { fill: none; stroke-width: 2; }",
            "path.ours { stroke: [ours]; }",
            "circle.ours { fill: [ours]; }",
            "path.second { stroke: [second]; }",
            "circle.second { fill: [second]; }",
            "path.third { stroke: [third]; }",
            "circle.third { fill: [third]; }",
        ]),
        f'  <rect class="ground" width="{width}" height="{height}" rx="6"/>',
        f'  <text class="title" x="8" y="22">{title}</text><text x="8" y="42">{y_label}</text>',
        f'  <text x="{(left + width - right) / 2}" y="{height - 10}" text-anchor="middle">{x_label}</text>',
    ]
    for power in range(low_y, high_y + 1):
        y = place(10 ** min(xs), 10**power)[1]
        lines.append(f'  <line class="grid" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/><text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
    for x in sorted({x for x, _ in points}):
        lines.append(f'  <text x="{place(x, 1)[0]:.1f}" y="{height - bottom + 18}" text-anchor="middle">{x:,g}</text>')
    taken = []
    for label, line in sorted(series.items(), key=lambda each: place(*max(each[1]))[1]):
        name_of_class = CLASSES[label.split(",")[0]]
        dash = ' stroke-dasharray="5 4"' if label.endswith("deep") else ""
        path = " L".join("{:.1f} {:.1f}".format(*place(x, y)) for x, y in sorted(line))
        x, y = place(*max(line))
        at = y + 4
        while any(abs(at - other) < 15 and abs(x - place) < 170 for place, other in taken):  # labels do not lie on each other
            at += 1
        taken.append((x, at))
        dots = "".join('<circle cx="{:.1f}" cy="{:.1f}" r="3" class="{}"/>'.format(*place(x, y), name_of_class) for x, y in line)
        lines.append(f'  <path class="{name_of_class}" d="M{path}"{dash}/>{dots}<text x="{x + 8:.1f}" y="{at:.1f}">{label}</text>')
    (RESULTS / f"strategies-{name}.svg").write_text("\n".join(lines + ["</svg>", ""]))


def pictures(data):
    for name, title, unit in (
        ("bytes", "Memory of a parked greenlet", "bytes"),
        ("start", "First start", "ns"),
        ("gen0", "Generation 0 pause, for each parked greenlet", "ns"),
        ("gen2", "Generation 2 pause, for each parked greenlet", "ns"),
    ):
        series = {}
        for backend in BACKENDS:
            for depth in DEPTHS:
                label = backend + (f", {depth} deep" if depth else "")
                series[label] = [(row["count"], row[name]) for row in find(data, backend, "park", depth=depth)]
        curve(name, title, "parked greenlets", unit, series)
    series = {backend: [(size / 1024, find(data, backend, "switch", size=size)[0]["switch"]) for size in SIZES] for backend in BACKENDS}
    curve("switch", "One switch", "KiB held on the stack", "ns", series)


def report(data):
    text = "\n".join(tables(data)) + "\n"
    (RESULTS / "strategies.md").write_text("# Segments and Slices\n\n" + text)
    before, rest = DOCUMENT.read_text().split(MARKS[0])
    _, after = rest.split(MARKS[1])
    DOCUMENT.write_text(before + MARKS[0] + "\n" + text + "\n" + MARKS[1] + after)
    pictures(data)
    print("\n".join(text.splitlines()[-6:]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=7)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--rounds", type=int, default=3, help="of --frozen")
    parser.add_argument("--most", type=int, default=FROZEN_COUNTS[-1], help="greenlets of --frozen")
    options = parser.parse_args()
    saved = RESULTS / ("frozen.json" if options.frozen else "strategies.json")
    if not options.report:
        data = measure_frozen(options.rounds, options.most) if options.frozen else measure(options.minutes)
        saved.write_text(json.dumps(data, indent=1) + "\n")
    data = json.loads(saved.read_text())
    report_frozen(data) if options.frozen else report(data)
