"""Measures the servers under load and writes bench/results/servers.json; run.sh builds what it needs.

A round starts every server afresh and warms it up. Then, for each number of connections, the servers take turns under the
load, because the machine's speed changes. What counts is the median of the rounds. While a server is under load its threads,
its resident memory and its processor time are sampled; what a .NET collector did is asked before and after.

The client runs on the same processors as the server, so the rates are those of both together. The processor time for each
request is the server's alone.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "bench/peers"))

import compare  # noqa: E402
import tables  # noqa: E402

BUILT = ROOT / "artifacts/bench/servers"
DOTNET = ["dotnet", ROOT / "artifacts/bin/NativeGreenlet.Servers/release/NativeGreenlet.Servers.dll"]
GEVENT = [sys.executable, ROOT / "bench/servers/python/servers.py"]
SLICES = {"NATIVEGREENLET_BACKEND": "slices", "DOTNET_gcConservative": "1"}

# key, label, command, additional environment; those of ASP.NET Core speak HTTP only, the bare one echoes
TABLE = [
    ("greenlets", "greenlets, blocking code", [*DOTNET, "greenlets"], {}),
    ("hubs", "the same, a hub per core", [*DOTNET, "greenlets-on-all"], {}),
    ("slices", "the same on slices", [*DOTNET, "greenlets"], SLICES),
    ("async", "async/await", [*DOTNET, "async"], {}),
    ("threads", "thread per connection", [*DOTNET, "threads"], {}),
    ("gevent", "Python: gevent", GEVENT, {}),
    ("bare", "bare C: epoll, recv, send", [BUILT / "echo"], {}),
    ("kestrel-greenlets", "ASP.NET Core, synchronous handler on greenlets", [*DOTNET, "kestrel-greenlets"], {}),
    ("kestrel-transport", "the same, connections on hubs", [*DOTNET, "kestrel-transport"], {}),
    ("kestrel-async", "ASP.NET Core, asynchronous handler", [*DOTNET, "kestrel-async"], {}),
    ("kestrel-async-transport", "the same, connections on hubs (asynchronous)", [*DOTNET, "kestrel-async-transport"], {}),
    ("kestrel-blocking", "ASP.NET Core, synchronous handler on the thread pool", [*DOTNET, "kestrel-blocking"], {}),
]
KINDS = {"echo": "TCP echo", "http": "HTTP, waits 10 ms for a downstream service", "plain": "HTTP, waits for nothing"}
CONNECTIONS = [10, 100, 1000, 5000]
BYTES = 64  # of a message of the echo
DELAY = 10  # milliseconds of the downstream service
WARM_UP = 100, 1.5  # connections and seconds
SETTLING = 0.5  # seconds from the start of the load which are not measured
MANY = 1000  # connections from which on HTTP has a load before the one that is measured: the server makes as many of its own
SAMPLE_EVERY = 0.1


class Failure(Exception):
    """A server or its load cannot do something; the message says why."""


# Of one server, too: it has died, or its load said something unheard of. The others go on.
FAILURES = Failure, OSError, LookupError, TypeError, ValueError


class Program:
    """A server that has told its port."""

    def __init__(self, command, environment=None):
        try:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except OSError as error:
            raise Failure(f"{pathlib.Path(str(command[0])).name}: {error.strerror}") from None
        words = self.process.stdout.readline().split(maxsplit=2)
        if len(words) < 2 or words[0] != "ready":
            self.stop()
            raise Failure("it did not start")
        self.port = int(words[1])
        self.version = words[2].strip() if len(words) > 2 else None

    def collector(self):
        """What the garbage collector has done so far."""
        print(file=self.process.stdin, flush=True)
        words = self.process.stdout.readline().split()
        return {name: float(value) for name, value in zip(words[::2], words[1::2])}

    def status(self):
        """Threads, and resident bytes."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        value = lambda name: int(re.search(rf"^{name}:\s*(\d+)", text, re.MULTILINE)[1])
        return value("Threads"), value("VmRSS") * 1024

    def processor_seconds(self):
        words = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Sampler(threading.Thread):
    """Looks at a server while it is under load. What is measured is the end of that."""

    def __init__(self, program, seconds):
        super().__init__()
        self.program = program
        self.seconds = seconds
        self.ended = threading.Event()
        self.threads = 0
        self.resident = 0
        self.points = []  # time and processor seconds

    def run(self):
        while not self.ended.wait(SAMPLE_EVERY) and self.program.is_alive():
            threads, resident = self.program.status()
            self.threads = max(self.threads, threads)
            self.resident = max(self.resident, resident)
            self.points.append((time.monotonic(), self.program.processor_seconds()))

    def processors(self):
        """How many processors it kept busy, once the load had settled."""
        settled = [point for point in self.points if point[0] >= self.points[-1][0] - self.seconds]
        if len(settled) < 2:
            return None
        (start, used_before), (end, used_after) = settled[0], settled[-1]
        return (used_after - used_before) / (end - start)


def echo_load(port, connections, seconds):
    command = [BUILT / "echo_load", port, connections, BYTES, int(SETTLING * 1000), int(seconds * 1000)]
    words = run(command, seconds + 60).splitlines()[-1].split()
    figures = {name: float(value) for name, value in zip(words[::2], words[1::2])}
    return {name: figures[name] for name in ("rate", "p50", "p90", "p99", "failed")}


def http_load(port, connections, seconds):
    # It counts from the first connection on, and thousands of them take a while.
    duration = max(1, round(seconds + SETTLING + connections / 2000))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{duration}s", "--latency", f"http://127.0.0.1:{port}/"]
    if connections >= MANY:
        run(command, duration + 30)
        time.sleep(SETTLING)  # what was under way when it ended
    text = run(command, duration + 30)
    figures = {f"p{share}": microseconds(re.search(rf"^\s+{share}%\s+(\S+)", text, re.MULTILINE)[1]) for share in (50, 90, 99)}
    figures["rate"] = float(re.search(r"Requests/sec:\s+(\S+)", text)[1])
    figures["requests"] = int(re.search(r"(\d+) requests in", text)[1])
    figures["failed"] = sum(int(number) for line in re.findall(r"Socket errors:.*|Non-2xx.*", text) for number in re.findall(r"\d+", line.replace("2xx", "").replace("3xx", "")))
    return figures


LOADS = {"echo": echo_load, "http": http_load, "plain": http_load}


def takes_part(kind, key):
    is_kestrel = key.startswith("kestrel")
    return {"echo": not is_kestrel, "http": key != "bare", "plain": is_kestrel}[kind]


def microseconds(text):
    for unit, size in (("us", 1), ("ms", 1e3), ("s", 1e6), ("m", 6e7)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * size
    raise Failure(f"wrk said {text}")


def run(command, patience):
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=patience)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(str(error)) from None
    if done.returncode != 0:
        raise Failure((done.stderr or done.stdout).strip().splitlines()[-1])
    return done.stdout


class Comparison:
    """All rounds so far."""

    def __init__(self, options):
        self.options = options
        self.table = [row for row in TABLE if row[0] in options.servers]
        self.start = time.monotonic()
        self.rounds = 0
        self.samples = {}  # by kind, connections, server: a list
        self.versions = {}
        self.problems = {}

    def run(self):
        longest = 0
        while self.rounds == 0 or time.monotonic() - self.start + longest < self.options.seconds:
            began = time.monotonic()
            for kind in self.options.kinds:
                self.round(kind)
            self.rounds += 1
            longest = max(longest, time.monotonic() - began)
        compare.tell("")

    def round(self, kind):
        programs = {}
        downstreams = []
        try:
            for key, label, command, environment in self.table:
                if (kind, key) in self.problems or not takes_part(kind, key):
                    continue
                self.tell(kind, "starting", label)
                try:
                    words = [*command, kind]
                    if kind == "http":
                        # One for each: they keep thousands of connections, and those to one port would use up the ports.
                        downstreams.append(Program([BUILT / "downstream", DELAY]))
                        words.append(downstreams[-1].port)
                    program = programs[key] = Program(words, environment)
                    self.versions[key] = program.version
                    LOADS[kind](program.port, *WARM_UP)
                except FAILURES as failure:
                    self.fail(kind, key, failure)
            for connections in self.options.connections:
                for key, label, _, _ in self.table:
                    if key in programs and (kind, key) not in self.problems:
                        self.tell(kind, f"{connections} connections", label)
                        try:
                            figures = self.measure(kind, connections, programs[key])
                            self.samples.setdefault(kind, {}).setdefault(connections, {}).setdefault(key, []).append(figures)
                        except FAILURES as failure:
                            self.fail(kind, key, failure)
        finally:
            for program in [*programs.values(), *downstreams]:
                program.stop()

    def measure(self, kind, connections, program):
        has_collector = program.process.args[0] == "dotnet"
        before = program.collector() if has_collector else {}
        sampler = Sampler(program, self.options.measure)
        sampler.start()
        try:
            figures = LOADS[kind](program.port, connections, self.options.measure)
        finally:
            sampler.ended.set()
            sampler.join()
        if not program.is_alive():
            raise Failure(f"the server ended with {program.process.returncode}")
        figures.update(threads=sampler.threads, resident=sampler.resident)
        processors = sampler.processors()
        if processors is not None and figures["rate"]:
            figures["processors"] = round(processors, 3)
            figures["work"] = round(processors / figures["rate"] * 1e6, 2)  # microseconds of processor time each
        if has_collector:
            # Of the whole load, connecting included.
            figures.update({f"gc-{name}": value - before[name] for name, value in program.collector().items()})
            if "requests" in figures and connections < MANY:
                figures["bytes"] = round(figures["gc-allocated"] / figures["requests"], 1)  # allocated for each request
        return figures

    def fail(self, kind, key, failure):
        self.problems[kind, key] = str(failure) if isinstance(failure, Failure) else f"{type(failure).__name__}: {failure}"
        compare.tell("")
        print(f"== Without {key}, {kind}: {self.problems[kind, key]}", flush=True)

    def tell(self, kind, what, label):
        gone = int(time.monotonic() - self.start)
        compare.tell(f"round {self.rounds + 1}, {gone} of about {self.options.seconds} s: {kind}, {what}, {label}")

    def results(self):
        return {
            kind: [
                {"connections": connections, "server": key, **medians(samples), "samples": samples}
                for connections, servers in by_connections.items()
                for key, samples in servers.items()
            ]
            for kind, by_connections in self.samples.items()
        }


def medians(samples):
    names = dict.fromkeys(name for sample in samples for name in sample)
    return {name: round(statistics.median(sample[name] for sample in samples if name in sample), 3) for name in names}


def allow_connections(most):
    """Both ends of a connection to the server, and the server's own to the downstream service, are open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * most + 1000
    if soft != resource.RLIM_INFINITY and soft < wanted:
        enough = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
        if enough < wanted:
            allowed = [connections for connections in CONNECTIONS if 2 * connections + 1000 <= enough]
            print(f"== {enough} open files are allowed here, so no more than {allowed[-1]} connections (ulimit -n)", flush=True)
            return allowed[-1]
    return most


def main():
    arguments = argparse.ArgumentParser(description="Greenlets, async/await, threads and gevent as servers under load.")
    arguments.add_argument("--seconds", type=int, default=560, help="rounds are run until this time is used")
    arguments.add_argument("--measure", type=float, default=1.5, help="seconds that one load is measured")
    arguments.add_argument("--servers", nargs="+", default=[row[0] for row in TABLE], choices=[row[0] for row in TABLE])
    arguments.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    arguments.add_argument("--connections", nargs="+", type=int, default=CONNECTIONS)
    arguments.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results")
    options = arguments.parse_args()
    most = allow_connections(max(options.connections))
    options.connections = [connections for connections in options.connections if connections <= most]
    if not shutil.which("wrk") and {"http", "plain"} & {*options.kinds}:
        print("== Without HTTP: there is no wrk here", flush=True)
        options.kinds = [kind for kind in options.kinds if kind == "echo"]

    others = compare.Others()
    comparison = Comparison(options)
    comparison.run()
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / "servers.json"
    results = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": compare.machine(),
        "others": others.share(),
        "rounds": comparison.rounds,
        "seconds": options.measure,
        "bytes": BYTES,
        "labels": {key: label for key, label, _, _ in comparison.table},
        "versions": comparison.versions,
        "problems": [{"kind": kind, "server": key, "reason": reason} for (kind, key), reason in comparison.problems.items()],
        "kinds": comparison.results(),
    }
    path.write_text(json.dumps(results, indent=1) + "\n")
    tables.write(path)


if __name__ == "__main__":
    main()
