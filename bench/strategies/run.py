"""Segments against Slices: the same program, in the same run. Writes strategies.json, strategies.md and a picture of each
curve into bench/results."""

import datetime
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"
PROGRAM = ROOT / "artifacts" / "bin" / "NativeGreenlet.Strategies" / "release" / "NativeGreenlet.Strategies.dll"
COUNTS = [1_000, 10_000, 100_000, 500_000]
MOST_SEGMENTS = 100_000
DEPTHS = [0, 5]
SIZES = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
COLORS = {"Segments": "#6f42c1", "Slices": "#1a7f37"}


def run(backend, *arguments):
    environment = dict(os.environ, NATIVEGREENLET_BACKEND=backend.lower(), DOTNET_gcConservative="1" if backend == "Slices" else "0")
    done = subprocess.run(["dotnet", str(PROGRAM), *map(str, arguments)], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{backend} {arguments}: {done.stderr or done.stdout}")
    words = done.stdout.split()
    print(backend, *arguments, done.stdout.strip(), flush=True)
    return {name: value if name == "backend" else float(value) for name, value in zip(words[::2], words[1::2])}


def measure():
    park, switch = [], []
    for backend in COLORS:
        for size in SIZES:
            switch.append(run(backend, "switch", size))
        for depth in DEPTHS:
            for count in COUNTS:
                if backend == "Slices" or count <= MOST_SEGMENTS:
                    park.append(dict(run(backend, "park", count, depth), count=count, depth=depth))
    return {"date": datetime.date.today().isoformat(), "park": park, "switch": switch}


def curve(name, title, x_label, y_label, series):
    """Logarithmic in both directions."""
    import math

    width, height, left, top, right, bottom = 720, 380, 80, 50, 150, 50
    points = [point for line in series.values() for point in line]
    xs, ys = [math.log10(x) for x, _ in points], [math.log10(max(y, 0.1)) for _, y in points]
    low_y, high_y = math.floor(min(ys)), math.ceil(max(ys))
    place = lambda x, y: (
        left + (math.log10(x) - min(xs)) / (max(xs) - min(xs)) * (width - left - right),
        top + (high_y - math.log10(max(y, 0.1))) / max(1, high_y - low_y) * (height - top - bottom),
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"  <title>{title}</title>",
        "  <style>text { font: 13px system-ui, sans-serif; fill: #656d76; } .title { font-size: 17px; font-weight: 600; }",
        "    .grid { stroke: #8884; } path { fill: none; stroke-width: 2; }</style>",
        f'  <text class="title" x="8" y="22">{title}</text><text x="8" y="40">{y_label}</text>',
        f'  <text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">{x_label}</text>',
    ]
    for power in range(low_y, high_y + 1):
        y = place(10 ** min(xs), 10**power)[1]
        lines.append(f'  <line class="grid" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/><text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for x in sorted({x for x, _ in points}):
        lines.append(f'  <text x="{place(x, 1)[0]:.1f}" y="{height - bottom + 18}" text-anchor="middle">{x:g}</text>')
    for label, line in series.items():
        color = COLORS[label.split(",")[0]]
        dash = ' stroke-dasharray="5 4"' if label.endswith("deep") else ""
        path = " L".join("{:.1f} {:.1f}".format(*place(x, y)) for x, y in sorted(line))
        x, y = place(*max(line))
        lines.append(f'  <path d="M{path}" stroke="{color}"{dash}/><text x="{x + 6:.1f}" y="{y + 4:.1f}">{label}</text>')
    (RESULTS / f"strategies-{name}.svg").write_text("\n".join(lines + ["</svg>", ""]))


def report(data):
    text = ["# Segments and Slices", "", f"{data['date']}, one run of `./build.sh bench strategies`. Pauses are medians less those without greenlets.", ""]
    text += ["| backend | parked | frames below | bytes each | stack each | first start, ns | gen0, ns each | gen2, ns each |", "|---|---|---|---|---|---|---|---|"]
    for row in data["park"]:
        text.append(f"| {row['backend']} | {row['count']:,} | {row['depth']} | {row['bytes']:,.0f} | {row['stack']:,.0f} | {row['start']:,.0f} | {row['gen0']:,.0f} | {row['gen2']:,.0f} |")
    text += ["", "| stack in use, bytes | Segments, ns a switch | Slices, ns a switch |", "|---|---|---|"]
    pairs = zip(*[[row for row in data["switch"] if row["backend"] == backend] for backend in COLORS])
    text += [f"| {size:,} + frames | {a['switch']:,.1f} | {b['switch']:,.1f} |" for size, (a, b) in zip(SIZES, pairs)]
    (RESULTS / "strategies.md").write_text("\n".join(text + [""]))
    for name, title, unit in (("bytes", "Memory of a parked greenlet", "bytes"), ("start", "First start", "ns"),
                              ("gen0", "Generation 0 pause, each parked greenlet", "ns"), ("gen2", "Generation 2 pause, each parked greenlet", "ns")):
        series = {}
        for row in data["park"]:
            series.setdefault(row["backend"] + (f", {row['depth']} deep" if row["depth"] else ""), []).append((row["count"], row[name]))
        curve(name, title, "parked greenlets", unit, series)
    series = {backend: [(size / 1024, row["switch"]) for size, row in zip(SIZES, [r for r in data["switch"] if r["backend"] == backend])] for backend in COLORS}
    curve("switch", "One switch", "KiB of stack in use", "ns", series)


if __name__ == "__main__":
    saved = RESULTS / "strategies.json"
    if "--report" not in sys.argv:
        saved.write_text(json.dumps(measure(), indent=1) + "\n")
    report(json.loads(saved.read_text()))
