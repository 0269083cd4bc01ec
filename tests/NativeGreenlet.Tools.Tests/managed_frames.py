"""Lets gdb walk through managed frames: gdb -p PID -x managed_frames.py -ex backtrace

Code that the .NET runtime compiled while it ran has no unwind information that gdb could read, but it keeps a frame
pointer. With DOTNET_PerfMapEnabled=1 in the process's environment the frames have names, too.

SPDX-License-Identifier: MIT
"""

import bisect
import os
import tempfile

import gdb
from gdb.unwinder import Unwinder
from gdb.FrameDecorator import FrameDecorator


class NativeCode:
    """Where the code of libraries and of the program lies, which has unwind information."""

    def __init__(self, pid):
        self.ranges = []
        with open("/proc/%d/maps" % pid) as lines:
            for line in lines:
                fields = line.split(None, 5)
                path = fields[5].rstrip("\n") if len(fields) > 5 else ""
                # Assemblies that were compiled ahead of time are files, too, but not ones that gdb reads.
                is_native = path == "[vdso]" or path.startswith("/") and not path.startswith("/memfd:")
                if "x" in fields[1] and is_native and not path.endswith(".dll"):
                    start, end = fields[0].split("-")
                    self.ranges.append((int(start, 16), int(end, 16)))

    def has(self, address):
        return any(start <= address < end for start, end in self.ranges)


class PerfMap:
    """What the runtime writes for perf: start, size, name of each method."""

    def __init__(self, pid):
        self.methods = []
        path = os.path.join(tempfile.gettempdir(), "perf-%d.map" % pid)
        if os.path.exists(path):
            with open(path, errors="replace") as lines:
                for line in lines:
                    start, size, name = line.rstrip("\n").split(" ", 2)
                    self.methods.append((int(start, 16), int(size, 16), name))
        self.methods.sort()

    def name(self, address):
        index = bisect.bisect(self.methods, (address + 1, 0, "")) - 1
        if index >= 0:
            start, size, name = self.methods[index]
            if address < start + size:
                return name
        return None


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class ManagedUnwinder(Unwinder):
    """Frames by their frame pointers, in code that is not native."""

    def __init__(self):
        super().__init__("managed frames")

    def __call__(self, pending):
        pc = pending.read_register("rip")
        if native.has(int(pc)):
            return None
        word = gdb.lookup_type("unsigned long")
        frame = int(pending.read_register("rbp"))
        try:
            saved = gdb.selected_inferior().read_memory(frame, 16).tobytes()
        except gdb.MemoryError:
            return None
        unwind = pending.create_unwind_info(FrameId(gdb.Value(frame + 16).cast(word), pc))
        unwind.add_saved_register("rip", gdb.Value(int.from_bytes(saved[8:], "little")).cast(word))
        unwind.add_saved_register("rbp", gdb.Value(int.from_bytes(saved[:8], "little")).cast(word))
        unwind.add_saved_register("rsp", gdb.Value(frame + 16).cast(word))
        return unwind


class ManagedFrame(FrameDecorator):
    def function(self):
        return names.name(self.inferior_frame().pc()) or super().function()


class ManagedNames:
    name = "managed names"
    enabled = True
    priority = 100

    def filter(self, frames):
        return (ManagedFrame(frame) for frame in frames)


native = NativeCode(gdb.selected_inferior().pid)
names = PerfMap(gdb.selected_inferior().pid)
gdb.unwinder.register_unwinder(None, ManagedUnwinder(), replace=True)
gdb.frame_filters["managed names"] = ManagedNames()
gdb.invalidate_cached_frames()
