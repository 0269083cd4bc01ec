"""Makes latest.md and the charts out of latest.json: python3 report.py bench/results/latest.json"""

import json
import pathlib
import sys

import chart

OURS = "greenlet"
MOST_FOR_OTHERS = 0.03  # of the machine, for a result that counts
COLUMNS = [
    ("switch", "switch between two"),
    ("resume", "switch main to child"),
    ("create", "create, run, end"),
    ("throw", "throw into a child"),
    ("chain", "chain of {chain:,}"),
    ("chain-again", "again"),
]


class Results:
    """latest.json, with the questions that the report asks of it."""

    def __init__(self, path):
        self.all = json.loads(path.read_text())
        self.peers = self.all["peers"]

    def median(self, peer, work):
        """Nanoseconds; None if there is no figure."""
        figures = self.peers[peer]["works"].get(work)
        return figures and figures["median"]

    def best(self, peer, work):
        figures = self.peers[peer]["works"].get(work)
        return figures and min(figures["samples"])

    def native(self, contender):
        return self.all["native"].get(contender, {}).get("median")

    def ratio(self, peer, work):
        mine = self.median(OURS, work)
        theirs = self.median(peer, work)
        return theirs / mine if mine and theirs else None


def duration(nanoseconds):
    """A number of nanoseconds in the unit that suits, three figures."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{figures(nanoseconds / size)} {unit}"
    return f"{figures(nanoseconds)} ns"


def figures(number):
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def times(ratio):
    return "1" if ratio == 1 else f"{figures(ratio)}x"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" + "--:|" * (len(heads) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def peers_with(results, works):
    return [peer for peer in results.peers if any(results.median(peer, work) for work, _ in works)]


def comparison(results, show):
    heads = [""] + [head.format(chain=results.all["chain"]) for _, head in COLUMNS]
    rows = []
    for peer in peers_with(results, COLUMNS):
        cells = [show(peer, work) for work, _ in COLUMNS]
        rows.append([results.peers[peer]["label"]] + cells)
    return table(heads, rows)


def ratios(results):
    def show(peer, work):
        ratio = results.ratio(peer, work)
        return times(ratio) if ratio else "–"

    return comparison(results, show)


def absolutes(results):
    def show(peer, work):
        median = results.median(peer, work)
        return duration(median) if median else "–"

    return comparison(results, show)


def goals(results):
    """What the project set out to reach: a figure, the bar, and whether it is met."""
    switch = results.median(OURS, "switch")
    rows = []

    def goal(what, figure, bar, met, show=times):
        if figure is not None:
            rows.append([what, show(figure), bar, "yes" if met(figure) else "**no**"])

    def over(above, below):
        return above / below if above and below else None

    def bytes_of(number):
        return f"{number:,.0f} bytes" if number == int(number) else f"{number:,.4g} bytes"

    awaiter = results.median("await", "resume")
    goal("a switch, of a native call that calls back", over(switch, results.median("floor", "floor")), "at most 1.6x", lambda x: x <= 1.6)
    goal("allocated by a switch", results.median(OURS, "allocated"), "0 bytes", lambda x: x == 0, bytes_of)
    goal("allocated by a Coroutine's resume", results.median("coroutine", "allocated"), "0 bytes", lambda x: x == 0, bytes_of)
    goal("a hand-off by Monitor, of a switch", results.ratio("monitor", "switch"), "at least 500x", lambda x: x >= 500)
    goal("a hand-off by SemaphoreSlim at its best, of a switch", over(results.best("semaphore-slim", "switch"), switch), "at least 8x", lambda x: x >= 8)
    goal("a switch of Python's greenlet, of ours", results.ratio("python", "switch"), "at least 10x", lambda x: x >= 10)
    goal("a switch, of await's suspension and resumption", over(switch, awaiter and 2 * awaiter), "at most 1x", lambda x: x <= 1)
    goal("there and back, of the same", over(results.median(OURS, "resume"), awaiter), "at most 1x", lambda x: x <= 1)
    on_11 = results.median("runtime-async", "resume")
    goal("a switch on .NET 11, of runtime-async's suspension and resumption", over(results.median("greenlet-11", "switch"), on_11 and 2 * on_11), "at most 1x", lambda x: x <= 1)
    goal("there and back on .NET 11, of the same", over(results.median("greenlet-11", "resume"), on_11), "at most 1x", lambda x: x <= 1)
    goal("the C library's switch, of Boost.Context's", over(results.native("assembly"), results.native("boost")), "at most 0.6x", lambda x: x <= 0.6)
    goal("create, run, end", results.median(OURS, "create"), "at most 500 ns", lambda x: x <= 500, duration)
    goal("the chain, of Python greenlet's", over(results.median(OURS, "chain"), results.median("python", "chain")), "at most 0.33x", lambda x: x <= 1 / 3)
    goal("the same once more in the same process", over(results.median(OURS, "chain-again"), results.median("python", "chain-again")), "at most 0.33x", lambda x: x <= 1 / 3)
    goal("the chain on Slices, of Python greenlet's", over(results.median("slices-backend", "chain"), results.median("python", "chain")), "at most 0.33x", lambda x: x <= 1 / 3)
    goal("the same once more in the same process", over(results.median("slices-backend", "chain-again"), results.median("python", "chain-again")), "at most 0.33x", lambda x: x <= 1 / 3)
    goal("memory of a suspended greenlet", results.median("park", "park-bytes"), "at most 8,192 bytes", lambda x: x <= 8192, lambda x: bytes_of(round(x)))
    goal("its part of a gen0 collection", results.median("park", "park-pause"), "at most 2 µs", lambda x: x <= 2000, duration)
    goal("its part of a gen0 collection on Slices", results.median("park-slices", "park-pause"), "at most 2 µs", lambda x: x <= 2000, duration)
    return table(["goal", "measured", "wanted", "reached"], rows)


def missing(results):
    lines = []
    for peer in results.peers.values():
        if peer["chain"] < results.all["chain"] and "chain" in peer["works"]:
            lines.append(
                f"- {peer['label']}, chain: of {peer['chain']:,}, its time multiplied. More are not to be had here: every stack and"
                " every guard page is a mapping, and `vm.max_map_count` limits their number."
            )
        for work, reason in peer["problems"].items():
            lines.append(f"- {peer['label']}{', ' + work if work else ''}: {reason}")
    return "\n".join(lines)


def draw(results, directory):
    """One chart per work; the first also shows what has no other work, and the floor."""
    for file, title, works in (
        ("switch.svg", "One switch", ("switch", "resume", "floor")),
        ("create.svg", "Create, run, end", ("create",)),
        ("throw.svg", "Throw into a child, which catches and switches back", ("throw",)),
        ("chain.svg", f"A chain of {results.all['chain']:,}", ("chain",)),
    ):
        mine = results.median(OURS, works[0])
        bars = []
        for peer, about in results.peers.items():
            value = next((results.median(peer, work) for work in works if results.median(peer, work)), None)
            if value:
                note = duration(value) if peer == OURS or not mine else f"{duration(value)} · {times(value / mine)}"
                bars.append(chart.Bar(about["label"], value, note, peer == OURS))
        if bars:
            bars.sort(key=lambda bar: bar.value)
            (directory / file).write_text(chart.draw(title, "median; shorter is better", bars))


def provisional(results):
    """What is to be said if the machine was not ours alone; else nothing."""
    others = results.all["others"]
    return f"**Provisional: meanwhile other programs used {others:.0%} of the machine.**" if others and others > MOST_FOR_OTHERS else ""


def write(path):
    results = Results(path)
    about = results.all["machine"]
    warning = provisional(results)
    versions = dict.fromkeys(peer["version"] for peer in results.peers.values() if peer["version"])
    rounds = results.all["rounds"]
    left_out = missing(results)
    text = f"""# NativeGreenlet and its peers

Measured on {results.all['date']} by `./build.sh bench peers`: {rounds} {"round" if rounds == 1 else "rounds"} in which the
peers take turns, each time in fresh processes; the median of each. `bench/peers` has the programs.
{warning and f"{chr(10)}{warning}{chr(10)}"}
## Ratios

How many times as long as NativeGreenlet's.

{ratios(results)}

![One switch](switch.svg)

![Create, run, end](create.svg)

![Throw into a child](throw.svg)

![Chain](chain.svg)

## Times

{about['processor']}, {about['cores']} cores, {about['system']}, {about['kernel']}. {'; '.join(versions)}.

{absolutes(results)}

## What is measured

The same in every language:

- **switch between two**: two greenlets (fibers, goroutines, async methods, threads) hand over to each other. One hand-off,
  in one direction. A channel carries a value. `Gosched`, `Task.Yield` and gevent's `sleep(0)` go through a scheduler's queue.
- **switch main to child**: half of there and back. There and back is: a switch into a child and one back to main; an async
  method's or an iterator's resumption and its next suspension; a generator's step.
- **create, run, end**: a greenlet that returns at once, on a stack from the pool where there is one; a goroutine or a task
  that is waited for; an async method that suspends itself once; a thread that is joined.
- **throw into a child**: an exception, new each time, is raised in a suspended child, which catches it and switches back.
- **chain**: as many are created, all suspended at once; then a value passes through all of them. In a process that has not
  had so many yet, and again in the same process. Chains end outside of the measured time where they do not end by themselves.

A hand-off between threads that spin (the slim ones) depends on there being an idle core for the other thread. CPython from
3.11 on maps fresh memory for the frames of each greenlet. .NET programs run as by default (tiered compilation); every
figure is taken after 0.3 s of the same work.

## Goals

{goals(results)}

A suspension and resumption by `await` is one continuation of an async method that suspends itself again; with runtime-async (.NET 11)
the runtime suspends the method, without a state machine of the compiler's. A suspended
greenlet's memory is what 10,000 of them add to the process, its part of a collection what they add to the median pause.
"""
    frame = results.median("park", "frame-pause")
    if frame:
        text += (
            f"A plain managed frame on an ordinary thread's stack, with no greenlet in the process, has a part of {duration(frame)}:"
            " the\ncollector's walk itself. A suspended greenlet has two or three managed frames and four of the runtime's.\n"
        )
    if left_out:
        text += f"\n## Left out\n\n{left_out}\n"
    path.with_suffix(".md").write_text(text)
    draw(results, path.parent)
    print(text)
    return results


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
