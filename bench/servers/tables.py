"""Makes servers.md and the charts out of servers.json: python3 tables.py bench/results/servers.json"""

import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "peers"))

import chart  # noqa: E402
import report  # noqa: E402

OURS, ON_ALL, THEIRS, PYTHON, FLOOR = "greenlets", "hubs", "async", "gevent", "bare"
KINDS = {
    "echo": "TCP echo",
    "http": "HTTP, each request waits 10 ms for a downstream service",
    "plain": "Plaintext on ASP.NET Core, a request waits for nothing",
}
CHARTED = 1000  # connections


class Results:
    """servers.json, with the questions that the report asks of it."""

    def __init__(self, path):
        self.all = json.loads(path.read_text())
        self.labels = self.all["labels"]
        self.rows = {
            kind: {(row["connections"], row["server"]): row for row in rows} for kind, rows in self.all["kinds"].items()
        }

    def connections(self, kind):
        return list(dict.fromkeys(connections for connections, _ in self.rows[kind]))

    def value(self, kind, connections, server, name):
        return self.rows[kind].get((connections, server), {}).get(name)

    def ratio(self, kind, connections, name, above, below):
        over, under = (self.value(kind, connections, server, name) for server in (above, below))
        return over / under if over and under else None


def time(microseconds):
    return report.duration(microseconds * 1000)


def memory(size):
    return f"{size / 2**20:,.0f} MiB"


def figures(results, kind):
    heads = ["connections", "server", "a second", "p50", "p90", "p99", "processor time each", "threads", "resident"]
    rows = []
    for (connections, server), row in results.rows[kind].items():
        failed = f" ({row['failed']:,.0f} failed)" if row["failed"] else ""
        label = results.labels[server]
        rows.append([
            f"{connections:,}",
            f"**{label}**" if server == OURS else label,
            f"{row['rate']:,.0f}{failed}",
            *(time(row[name]) for name in ("p50", "p90", "p99")),
            time(row["work"]) if "work" in row else "–",
            f"{row['threads']:,.0f}",
            memory(row["resident"]),
        ])
    return report.table(heads, rows)


def collections(results, kind):
    """What the collectors did, where that is worth a word: figures of one load, connecting included."""
    rows = []
    for (connections, server), row in results.rows[kind].items():
        if connections == max(results.connections(kind)) and "gc-gen0" in row:
            rows.append([results.labels[server], *(f"{row[f'gc-{name}']:,.0f}" for name in ("gen0", "gen1", "gen2")), f"{row['gc-paused']:,.0f} ms", memory(row["gc-allocated"])])
    return report.table([f"at {max(results.connections(kind)):,} connections", "gen0", "gen1", "gen2", "paused in all", "allocated"], rows)


def goals(results):
    rows = []

    def verdict(ratio, least):
        return report.times(ratio) if ratio >= least else f"**{report.times(ratio)}**"

    for kind, title in KINDS.items():
        if kind not in results.rows or kind == "plain":
            continue
        for connections in results.connections(kind):
            on_all = results.ratio(kind, connections, "rate", ON_ALL, THEIRS)
            cells = [verdict(on_all, 0.9) if on_all else "–"]
            for other, least in ((THEIRS, 0.9), (PYTHON, 5)):
                rate = results.ratio(kind, connections, "rate", OURS, other)
                work = results.ratio(kind, connections, "work", other, OURS)
                cells += [verdict(rate, least) if rate else "–", verdict(work, least) if work else "–"]
            floor = results.ratio(kind, connections, "rate", FLOOR, PYTHON)
            cells.append(report.times(floor) if floor else "–")
            threads = results.value(kind, connections, OURS, "threads")
            rows.append([title.split(",")[0], f"{connections:,}", *cells, f"{threads:,.0f}" if threads else "–"])
    if "http" in results.rows:
        for connections in results.connections("http"):
            rate, work = (results.ratio("http", connections, name, *pair) for name, pair in (("rate", ("kestrel-greenlets", "kestrel-async")), ("work", ("kestrel-async", "kestrel-greenlets"))))
            if rate:
                threads = results.value("http", connections, "kestrel-greenlets", "threads")
                rows.append(["ASP.NET Core", f"{connections:,}", "–", verdict(rate, 0.9), verdict(work, 0.9) if work else "–", "–", "–", "–", f"{threads:,.0f}"])
    heads = ["", "connections", "rate with a hub per core, of async's", "rate, of async's", "requests per processor second, of async's", "rate, of gevent's", "requests per processor second, of gevent's", "rate of bare C, of gevent's", "threads"]
    return report.table(heads, rows)


def on_hubs(results):
    """ASP.NET Core on greenlets, of an asynchronous handler on its own transport."""
    rows = []
    for kind, title in KINDS.items():
        for connections in results.connections(kind) if kind in results.rows else []:
            for server in ("kestrel-greenlets", "kestrel-transport", "kestrel-async-transport"):
                ratios = [
                    results.ratio(kind, connections, "rate", server, "kestrel-async"),
                    results.ratio(kind, connections, "work", "kestrel-async", server),
                    results.ratio(kind, connections, "p99", server, "kestrel-async"),
                    results.ratio(kind, connections, "bytes", server, "kestrel-async"),
                ]
                if ratios[0]:
                    rows.append([title.split(",")[0], f"{connections:,}", results.labels[server], *(report.times(ratio) if ratio else "–" for ratio in ratios)])
    return report.table(["", "connections", "server", "rate", "requests per processor second", "p99", "bytes allocated for each"], rows)


def draw(results, directory):
    for kind, title in KINDS.items():
        if kind not in results.rows:
            continue
        connections = CHARTED if CHARTED in results.connections(kind) else results.connections(kind)[-1]
        most = max(results.connections(kind))
        for name, at, what, better, show in (
            ("rate", connections, "requests a second", "longer", lambda value: f"{value:,.0f}"),
            ("resident", most, "resident memory", "shorter", memory),
        ):
            bars = []
            for server, label in results.labels.items():
                value = results.value(kind, at, server, name)
                if value:
                    bars.append(chart.Bar(label, value, show(value), server == OURS))
            if bars:
                bars.sort(key=lambda bar: bar.value, reverse=better == "longer")
                text = chart.draw(f"{title.split(',')[0]}, {at:,} connections: {what}", f"median; {better} is better", bars)
                (directory / f"servers-{kind}-{name}.svg").write_text(text)


def write(path):
    results = Results(path)
    about = results.all["machine"]
    rounds = results.all["rounds"]
    warning = ""
    if results.all["others"] > 0.03:
        warning = f"\n**Provisional: meanwhile other programs used {results.all['others']:.0%} of the machine.**\n"
    versions = "; ".join(dict.fromkeys(version for version in results.all["versions"].values() if version))
    text = f"""# Servers under load

Measured on {results.all['date']} by `./build.sh bench servers`: {rounds} {"round" if rounds == 1 else "rounds"} in which the
servers take turns, the median of each. {about['processor']}, {about['cores']} cores, {about['system']}, {about['kernel']}; {versions}.
{warning}
**The client runs on the same {about['cores']} cores**, so a rate is that of server and client together, and a server that leaves
less to the client has a lower one. The processor time for each request is the server's alone (user and system). The echo
sends {results.all['bytes']} bytes there and back, one message at a time on each connection, from a client of our own
(`bench/servers/native/echo_load.c`: one thread, epoll), because the usual load tools speak HTTP only. The HTTP servers are driven by
`wrk` with one thread; each request takes a connection from the server's pool, sends 16 bytes to a downstream service of
its own process, and waits for the answer, which comes after 10 ms. So {10_000 / 100:,.0f} requests a second are the most that one
connection can have, and with few connections all servers have that. `wrk` counts from its first connection on; with 1,000
or more, a load that does not count comes first. The echo counts when every connection has had an answer.

All of .NET's servers have the same parser, the same connection pool and the workstation collector. Those of async/await and
threads run on .NET's own sockets; so do greenlets, but what they wait for is told by an epoll of their hub. gevent is one process, as it is: it can use one core.

The handlers of ASP.NET Core do the same on Kestrel: the synchronous one is the same code on greenlets, where its calls park,
and on the thread pool, where they block.

## Goals

At least 0.9x of async/await, 5x of gevent; threads that do not grow with the connections. Bold is what falls short. What the
echo costs at least, all but the system's own part of it gone, is in the column of bare C: on one thread there is not more to be
had. One hub is one thread, where async has all cores; so the rate of a hub per core is there, too.

{goals(results)}

ASP.NET Core, of an asynchronous handler on its own transport; "connections on hubs" is `UseGreenletTransport()`:

{on_hubs(results)}
"""
    for kind, title in KINDS.items():
        if kind in results.rows:
            text += f"\n## {title}\n\n![Rate](servers-{kind}-rate.svg)\n\n{figures(results, kind)}\n\n![Memory](servers-{kind}-resident.svg)\n\n{collections(results, kind)}\n"
    if results.all["problems"]:
        lines = [f"- {results.labels[problem['server']]}, {problem['kind']}: {problem['reason']}" for problem in results.all["problems"]]
        text += "\n## Left out\n\n" + "\n".join(lines) + "\n"
    path.with_suffix(".md").write_text(text)
    draw(results, path.parent)
    print(text)


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
