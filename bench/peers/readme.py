"""Writes the measured part of the project's README: python3 readme.py bench/results/latest.json"""

import pathlib
import sys

import report

README = pathlib.Path(__file__).resolve().parent.parent.parent / "README.md"
BEGIN = "<!-- measured: ./build.sh bench peers writes from here -->"
END = "<!-- measured: to here -->"

SWITCHES = ["greenlet", "await", "runtime-async", "go-1", "ruby", "python", "gevent", "semaphore-slim", "auto-reset-event", "monitor"]


def hand_offs(results):
    rows = []
    mine = results.median(report.OURS, "switch")
    for peer in SWITCHES:
        value = results.median(peer, "switch") or results.median(peer, "resume")
        if value and mine:
            rows.append([results.peers[peer]["label"], report.duration(value), report.times(value / mine)])
    return report.table(["one hand-off", "time", "ratio"], rows)


def costs(results):
    def row(what, peer, work, show):
        value = results.median(peer, work)
        return [] if value is None else [[what, show(value)]]

    rows = row("create, run, end", report.OURS, "create", report.duration)
    rows += row("allocated by a switch", report.OURS, "allocated", lambda x: f"{x:,.4g} bytes")
    rows += row("memory of a suspended greenlet", "park", "park-bytes", lambda x: f"{x / 1000:.1f} KB")
    rows += row("a gen0 collection, for each suspended greenlet", "park", "park-pause", report.duration)
    rows += row("throw into a greenlet, which catches and switches back", report.OURS, "throw", report.duration)
    rows += row("the same exception without a greenlet", "exception", "throw", report.duration)
    return report.table(["a greenlet", "costs"], rows)


def measured(results):
    about = results.all["machine"]
    system = about["system"].split(" (")[0].replace("GNU/Linux ", "")
    kernel = ".".join(about["kernel"].split("-")[0].split(".")[:2])
    runtime = results.peers[report.OURS]["version"].split(",")[0]
    rounds = results.all["rounds"]
    warning = report.provisional(results)
    return f"""{BEGIN}
Medians of {rounds} {"round" if rounds == 1 else "rounds"} on {about["cores"]} cores of an {about["processor"].replace("(R)", "")} ({system}, {kernel}, {runtime}). Trust the ratios.
{warning and f"{chr(10)}{warning}{chr(10)}"}
![One switch](bench/results/switch.svg)

![Create, run, end](bench/results/create.svg)

![Chain](bench/results/chain.svg)

{hand_offs(results)}

{costs(results)}
{END}"""


def write(results):
    text = README.read_text()
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"{README.name}: the marks are missing between which the measured part goes")
    README.write_text(before + measured(results) + after)


if __name__ == "__main__":
    write(report.Results(pathlib.Path(sys.argv[1])))
