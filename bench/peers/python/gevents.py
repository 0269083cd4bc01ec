"""gevent: greenlets with a scheduler. A hand-off goes through its hub."""

import time

import gevent
from gevent.event import AsyncResult

from peer import serve


def switch(count):
    """Two greenlets yield to each other."""

    def party():
        for _ in range(count // 2):
            gevent.sleep(0)

    gevent.joinall([gevent.spawn(party), gevent.spawn(party)])


def create(count):
    """Spawn a greenlet, wait for its end."""

    def run():
        pass

    for _ in range(count):
        gevent.spawn(run).join()


def link(mine, following):
    following.set(mine.get() + 1)


def chain(length):
    """All of them waiting at once; then a value passes through, and each ends when it has passed it on."""
    start = time.perf_counter_ns()
    last = following = AsyncResult()
    for _ in range(length):
        mine = AsyncResult()
        gevent.spawn(link, mine, following)
        following = mine
    gevent.sleep(0)  # all have begun
    following.set(0)
    assert last.get() == length
    return time.perf_counter_ns() - start, 0


serve(f"gevent {gevent.__version__}", {"switch": switch, "create": create}, chain)
