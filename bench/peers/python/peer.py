"""The conversation between a peer written in Python and compare.py, which describes it."""

import sys
import time


class NotPossible(Exception):
    """A work that this peer cannot do; the message says why."""


def sample(work, milliseconds):
    """Nanoseconds per operation. Doubles the number of operations until they fill the time; the first ones warm up."""
    count = 16
    while True:
        start = time.perf_counter_ns()
        work(count)
        elapsed = time.perf_counter_ns() - start
        if elapsed >= milliseconds * 500_000:
            return elapsed / count
        count *= 2


def serve(version, works, chain):
    """`works` are functions of a number of operations; `chain` of a length, returning nanoseconds to pass and to end."""
    print(f"ready {version}", flush=True)
    for line in sys.stdin:
        name, number = line.split()
        try:
            if name == "chain":
                chain(1000)
                passed, ended = chain(int(number))
                answer = f"chain {passed} chain-end {ended}"
            elif name in works:
                answer = f"{name} {sample(works[name], int(number))}"
            else:
                answer = "! not comparable"
        except NotPossible as problem:
            answer = f"! {problem}"
        print(answer, flush=True)
