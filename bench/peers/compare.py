"""Measures one switch, one life and one chain in every peer, in turn, and writes bench/results/latest.json.

Each peer is a program of its own that measures itself. The conversation, over its standard input and output:

    peer:  ready VERSION                      once; or "! REASON"
    us:    switch 100                         what to measure, and for how many milliseconds
    peer:  switch 15.2                        pairs of a name and a figure in nanoseconds; or "! REASON"

    switch      one switch between two greenlets (fibers, goroutines, threads)
    resume      one switch between the main greenlet and a child, half of there and back
    create      create one, run it to its end
    throw       raise an exception in a child, which catches it and switches back
    allocated N bytes that each of N switches allocates
    chain N     create N, all suspended at once, pass a value through; chain-end: end them. Asked for twice: the first
                time it finds no memory at hand
    floor       into native code and, where that has a name of its own, back into managed code
    park N      memory and collection pause of N suspended greenlets
    frames N    the same pause of N managed frames of an ordinary thread

A round starts every peer afresh, because where the loader puts things is part of the noise. Within a round the peers take
turns work by work, because the machine's speed changes. What counts is the median of the rounds.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import readme
import report

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "bench/peers"
BUILT = ROOT / "artifacts/bench"
DOTNET = ["dotnet", ROOT / "artifacts/bin/NativeGreenlet.Peer/release/NativeGreenlet.Peer.dll"]
GO = BUILT / "peers/go"
RUNTIME_11 = ROOT / "artifacts/runtimes/11.0.0"  # laid out by the build; what stands there without is left out
ON_11 = [RUNTIME_11 / "dotnet", "exec"]
RUNTIME_ASYNC = ROOT / "artifacts/bin/NativeGreenlet.Peer.RuntimeAsync/release/NativeGreenlet.Peer.RuntimeAsync.dll"
ONE_PROCESSOR = {"GOMAXPROCS": "1"}
NET_11 = {"DOTNET_ROOT": str(RUNTIME_11), "DOTNET_ROLL_FORWARD": "LatestMajor"}
THREADS_BACKEND = {"NATIVEGREENLET_BACKEND": "threads"}
SLICES_BACKEND = {"NATIVEGREENLET_BACKEND": "slices", "DOTNET_gcConservative": "1"}

CHAIN = 100_000
PARKED = 10_000
SWITCHES = 1_000_000  # that allocate
WARM_UP = 300  # milliseconds; the .NET runtime compiles again what turns out to be hot
SAMPLES = 5  # in a row, of which the median counts: what disturbs one may miss the others
SAMPLE = 20  # milliseconds
PATIENCE = 60  # seconds until a peer that does not answer is given up

# key, label, command, additional environment, works
TABLE = [
    ("greenlet", ".NET: NativeGreenlet", [*DOTNET, "greenlets"], {}, "switch resume create throw allocated chain"),
    ("coroutine", ".NET: NativeGreenlet, Coroutine", [*DOTNET, "coroutines"], {}, "resume allocated"),
    ("generator", ".NET: NativeGreenlet, GreenletGenerator", [*DOTNET, "generators"], {}, "resume allocated"),
    ("iterator", ".NET: C# iterator", [*DOTNET, "iterators"], {}, "resume"),
    ("await", ".NET: await, custom awaiter", [*DOTNET, "await"], {}, "resume create throw"),
    ("task-yield", ".NET: await Task.Yield()", [*DOTNET, "task-yield"], {}, "switch"),
    ("tasks", ".NET: await, tasks and channels", [*DOTNET, "tasks"], {}, "switch create chain"),
    ("greenlet-11", ".NET 11: NativeGreenlet", [*ON_11, DOTNET[1], "greenlets"], NET_11, "switch resume create throw allocated"),
    ("await-11", ".NET 11: await, custom awaiter", [*ON_11, DOTNET[1], "await"], NET_11, "resume create throw"),
    ("runtime-async", ".NET 11: runtime-async, custom awaiter", [*ON_11, RUNTIME_ASYNC, "await"], NET_11, "resume create throw"),
    ("runtime-async-tasks", ".NET 11: runtime-async, tasks and channels", [*ON_11, RUNTIME_ASYNC, "tasks"], NET_11, "switch create chain"),
    ("ruby", "Ruby: Fiber", ["ruby", PEERS / "ruby/fibers.rb"], {}, "switch resume create throw chain"),
    ("go-gosched", "Go: Gosched, one processor", [GO, "gosched"], ONE_PROCESSOR, "switch"),
    ("go-1", "Go: channels, one processor", [GO], ONE_PROCESSOR, "switch resume create chain"),
    ("go", "Go: channels", [GO], {}, "switch resume create chain"),
    ("python", "Python: greenlet", [sys.executable, PEERS / "python/greenlets.py"], {}, "switch resume create throw chain"),
    ("gevent", "Python: gevent", [sys.executable, PEERS / "python/gevents.py"], {}, "switch create chain"),
    ("semaphore-slim", ".NET threads: SemaphoreSlim", [*DOTNET, "semaphore-slim"], {}, "switch"),
    ("manual-reset-event-slim", ".NET threads: ManualResetEventSlim", [*DOTNET, "manual-reset-event-slim"], {}, "switch"),
    ("auto-reset-event", ".NET threads: AutoResetEvent", [*DOTNET, "auto-reset-event"], {}, "switch"),
    ("monitor", ".NET threads: Monitor", [*DOTNET, "monitor"], {}, "switch"),
    ("thread", ".NET threads: Start and Join", [*DOTNET, "threads"], {}, "create"),
    ("threads-backend", ".NET: NativeGreenlet, Threads backend", [*DOTNET, "greenlets"], THREADS_BACKEND, "switch resume create"),
    ("slices-backend", ".NET: NativeGreenlet, Slices backend", [*DOTNET, "greenlets"], SLICES_BACKEND, "switch resume create chain"),
    ("exception", ".NET: throw and catch, no greenlet", [*DOTNET, "exceptions"], {}, "throw"),
    ("floor", ".NET: a native call that calls back", [*DOTNET, "floor"], {}, "floor"),
    ("call", ".NET: a native call, no GC transition", [*DOTNET, "call"], {}, "floor"),
    ("park", ".NET: NativeGreenlet, suspended", [*DOTNET, "park"], {}, "park frames"),
    ("park-slices", ".NET: NativeGreenlet, Slices backend, suspended", [*DOTNET, "park"], SLICES_BACKEND, "park"),
]
ORDER = ["switch", "resume", "create", "throw", "allocated", "floor", "park", "frames", "chain"]  # what leaves most behind comes last


def fibers_of_ruby():
    """How long a chain Ruby can have: each of its stacks and each guard page below one is a mapping, and their number is
    limited. The rest of the process is left some too."""
    limit = pathlib.Path("/proc/sys/vm/max_map_count")
    if not limit.exists():
        return CHAIN
    return min(CHAIN, max(int(limit.read_text()) // 2 - 5_000, 1_000) // 1_000 * 1_000)


CHAINS = {"ruby": fibers_of_ruby()}  # shorter ones


class Failure(Exception):
    """A peer cannot do something; the message says why."""


class Peer:
    """One running peer."""

    def __init__(self, command, environment):
        try:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise Failure(f"{pathlib.Path(str(command[0])).name}: {error.strerror}") from None
        self.version = self._line().removeprefix("ready ")

    def ask(self, work, number):
        """The figures that a work gives."""
        try:
            print(work, number, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise Failure("it ended") from None
        words = self._line().split()
        return {name: float(value) for name, value in zip(words[::2], words[1::2])}

    def stop(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def _line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        if not ready:
            raise Failure(f"no answer within {PATIENCE} s")
        line = self.process.stdout.readline().strip()
        if not line:
            self.process.kill()
            said = self.process.stderr.read().strip().splitlines()
            raise Failure(said[-1] if said else "it ended")
        if line.startswith("!"):
            raise Failure(line[2:])
        return line


class Comparison:
    """All rounds so far."""

    def __init__(self, rounds):
        self.rounds = rounds
        self.start = time.monotonic()
        self.samples = {key: {} for key, *_ in TABLE}
        self.versions = {}
        self.problems = {key: {} for key, *_ in TABLE}  # by work; "" stands for all

    def run(self):
        for number in range(1, self.rounds + 1):
            self.round(number)
        tell("")

    def round(self, number):
        peers = {}
        try:
            for key, label, command, environment, _ in TABLE:
                if "" not in self.problems[key]:
                    self.tell(number, "starting", label)
                    try:
                        peers[key] = Peer(command, environment)
                        self.versions[key] = peers[key].version
                    except Failure as failure:
                        self.fail(key, "", failure)
            for work in ORDER:
                for key, label, _, _, works in TABLE:
                    if key in peers and work in works.split() and work not in self.problems[key]:
                        self.tell(number, work, label)
                        self.sample(key, peers[key], work)
        finally:
            for peer in peers.values():
                peer.stop()

    def sample(self, key, peer, work):
        try:
            if work == "chain":
                self.chain(key, peer)
                return
            if work in ("park", "frames", "allocated"):
                figures = peer.ask(work, SWITCHES if work == "allocated" else PARKED)
            else:
                peer.ask(work, WARM_UP)
                figures = {work: statistics.median(peer.ask(work, SAMPLE)[work] for _ in range(SAMPLES))}
            self.add(key, figures)
        except Failure as failure:
            self.fail(key, work, failure)

    def chain(self, key, peer):
        length = CHAINS.get(key, CHAIN)
        for name in ("chain", "chain-again"):
            figures = peer.ask("chain", length)
            self.add(key, {name: figures["chain"] * CHAIN / length, f"{name}-end": figures["chain-end"] * CHAIN / length})

    def add(self, key, figures):
        for name, value in figures.items():
            self.samples[key].setdefault(name, []).append(round(value, 2))

    def fail(self, key, work, failure):
        self.problems[key][work] = str(failure)
        tell("")
        label = next(row[1] for row in TABLE if row[0] == key)
        print(f"== Without {label}{', ' + work if work else ''}: {failure}", flush=True)

    def tell(self, number, work, label):
        gone = int(time.monotonic() - self.start)
        about = f" of about {gone * self.rounds // (number - 1)}" if number > 1 else ""
        tell(f"round {number} of {self.rounds}, {gone} s{about}: {work}, {label}")

    def results(self):
        return {
            key: {
                "label": label,
                "version": self.versions.get(key),
                "chain": CHAINS.get(key, CHAIN),
                "problems": self.problems[key],
                "works": {
                    name: {"median": statistics.median(values), "samples": values}
                    for name, values in self.samples[key].items()
                },
            }
            for key, label, *_ in TABLE
        }


def tell(text):
    """One line that overwrites the one before; nothing where the output is not a terminal."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width]:<{width}}", end="" if text else "\r", file=sys.stderr, flush=True)


def native():
    """The C library against Boost.Context, in the same go."""
    program = BUILT / "native/switches"
    if not program.exists():
        return {}
    tell("the C library and Boost.Context")
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "native.json"
        subprocess.run(
            [program, "--rounds", "9", "--milliseconds", "50", "--json", file], check=True, stdout=subprocess.DEVNULL
        )
        tell("")
        return json.loads(file.read_text())


def machine():
    """What the absolute times are times of."""
    processor = platform.processor()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    system = platform.system()
    release = pathlib.Path("/etc/os-release")
    if release.exists():
        for line in release.read_text().splitlines():
            if line.startswith("PRETTY_NAME="):
                system = line.split("=", 1)[1].strip('"')
    return {
        "processor": processor or platform.machine(),
        "cores": os.cpu_count(),
        "system": system,
        "kernel": f"{platform.system()} {platform.release()}",
    }


class Others:
    """How much of the machine other programs used meanwhile, and the host it is a guest of."""

    def __init__(self):
        self.start = self.seconds()

    @staticmethod
    def seconds():
        """All that was used, all that we used, and all that there was."""
        words = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, idle, waiting, interrupt, soft, stolen = (int(word) / os.sysconf("SC_CLK_TCK") for word in words)
        used = user + nice + system + interrupt + soft + stolen
        ours = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return used, ours, used + idle + waiting

    def share(self):
        used, ours, there = (end - start for end, start in zip(self.seconds(), self.start))
        return round(max(used - ours, 0) / there, 3)


def main():
    arguments = argparse.ArgumentParser(description="Compares NativeGreenlet with its peers.")
    arguments.add_argument("--rounds", type=int, default=9, help="how often everything is measured; 9 take about 7 minutes")
    arguments.add_argument("--results", type=pathlib.Path, help="where to write instead of bench/results and README.md")
    options = arguments.parse_args()

    others = Others() if pathlib.Path("/proc/stat").exists() else None
    comparison = Comparison(max(options.rounds, 1))
    comparison.run()
    c_library = native()
    directory = options.results or ROOT / "bench/results"
    directory.mkdir(parents=True, exist_ok=True)
    latest = directory / "latest.json"
    results = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": machine(),
        "others": others and others.share(),
        "rounds": comparison.rounds,
        "chain": CHAIN,
        "parked": PARKED,
        "peers": comparison.results(),
        "native": c_library,
    }
    latest.write_text(json.dumps(results, indent=1) + "\n")
    written = report.write(latest)
    if options.results is None:
        readme.write(written)


if __name__ == "__main__":
    main()
