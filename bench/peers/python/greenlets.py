"""Python's greenlet: the works of its own benchmarks/chain.py."""

import platform
import time

import greenlet

from peer import serve


def switch(count):
    """Two greenlets switch to each other."""

    class Party(greenlet.greenlet):
        other = None

        def run(self):
            other = self.other
            for _ in range(count // 2):
                other.switch()

    first = Party()
    second = Party()
    first.other = second
    second.other = first
    first.switch()
    second.switch()
    first.other = second.other = None
    assert first.dead and second.dead


def resume(count):
    """The main greenlet and a child switch to each other."""
    main = greenlet.getcurrent()

    def run():
        while True:
            main.switch()

    child = greenlet.greenlet(run)
    for _ in range(count // 2):
        child.switch()
    child.throw()


def create(count):
    """Create a greenlet, run it, let it die."""

    def run():
        pass

    for _ in range(count):
        greenlet.greenlet(run).switch()


def throw(count):
    """Raise an exception in a child, which catches it and switches back."""
    main = greenlet.getcurrent()

    def run():
        while True:
            try:
                main.switch()
            except ValueError:
                pass

    child = greenlet.greenlet(run)
    child.switch()
    for _ in range(count):
        child.throw(ValueError())
    child.throw()


def link(following):
    value = greenlet.getcurrent().parent.switch()
    following.switch(value + 1)


def chain(length):
    """All of them suspended at once; then a value passes through."""
    links = []
    start = time.perf_counter_ns()
    following = greenlet.getcurrent()
    for _ in range(length):
        node = greenlet.greenlet(link)
        node.switch(following)
        links.append(node)
        following = node
    assert following.switch(0) == length
    passed = time.perf_counter_ns()
    for node in links:
        node.switch()
    return passed - start, time.perf_counter_ns() - passed


serve(
    f"greenlet {greenlet.__version__}, CPython {platform.python_version()}",
    {"switch": switch, "resume": resume, "create": create, "throw": throw},
    chain,
)
