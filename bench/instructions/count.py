"""For gdb: counts the instructions between two calls of a function, by the function that each belongs to.

A loop that does one thing over and over makes that exact and repeatable, whatever else the machine does. run.sh starts it.
"""
import bisect
import collections
import os
import tempfile

import gdb

MOST = 20000
pid = gdb.selected_inferior().pid
entries = []
with open(f"{tempfile.gettempdir()}/perf-{pid}.map", encoding="utf-8") as compiled:  # DOTNET_PerfMapEnabled
    for line in compiled:
        start, size, name = line.rstrip("\n").split(" ", 2)
        entries.append((int(start, 16), int(size, 16), name))
entries.sort()
starts = [entry[0] for entry in entries]


def name_of(address):
    index = bisect.bisect_right(starts, address) - 1
    if index >= 0 and address < entries[index][0] + entries[index][1]:
        return entries[index][2]
    symbol = gdb.execute(f"info symbol {address}", to_string=True)
    if not symbol.startswith("No symbol"):
        return symbol.split(" ")[0]
    library = gdb.solib_name(address)
    return os.path.basename(library) if library else "?"


gdb.execute("handle all nostop noprint pass", to_string=True)
gdb.execute("handle SIGTRAP stop", to_string=True)
breakpoint = gdb.Breakpoint(os.environ["FUNCTION"])
gdb.execute("continue", to_string=True)
gdb.execute("set scheduler-locking on")
breakpoint.enabled = False
names = {}
first = int(gdb.parse_and_eval("(long)$pc"))
counts = collections.OrderedDict()
total = 0
while total < MOST:
    address = int(gdb.parse_and_eval("(long)$pc"))
    if total > 0 and address == first:
        break
    if address not in names:
        names[address] = name_of(address)
    counts[names[address]] = counts.get(names[address], 0) + 1
    total += 1
    gdb.execute("stepi", to_string=True)
for name, count in counts.items():
    print(f"COUNT {count:6}  {name[:100]}")
print(f"COUNT {total:6}  all")
gdb.execute("kill")
