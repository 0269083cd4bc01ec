using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// Makes thread records of managed threads that are never started: the runtime has a Thread object for each, and the
/// system has no thread. What must be known for it is described (where such an object leads to thread-local data) or
/// learned from the runtime's own answers (which flag says that a thread was not started).
/// </summary>
internal sealed unsafe class UnstartedThreads
{
    private static long s_count;

    private readonly uint _locals;
    private readonly uint _state;
    private uint _unstarted;

    private UnstartedThreads(uint locals, uint state)
    {
        _locals = locals;
        _state = state;
    }

    /// <summary>Records that were made and not taken back.</summary>
    public static ulong Count => (ulong)Interlocked.Read(ref s_count);

    /// <summary>Finds out whether and how it can be done.</summary>
    /// <returns>Null if the runtime does not show what it takes.</returns>
    public static UnstartedThreads? Find(ContractDescriptor descriptor, RuntimeLayout layout)
    {
        if (!descriptor.Has("Thread", "RuntimeThreadLocals"))
        {
            return null;
        }

        try
        {
            uint locals = descriptor.ThreadOffset("RuntimeThreadLocals", sizeof(ulong));
            UnstartedThreads found = new(locals, layout.Native.thread_state);
            return found.Learn(layout.Locator.Current(), layout.Native) ? found : null;
        }
        catch (UnsupportedRuntimeException)
        {
            return null;
        }
    }

    /// <summary>Adds a record.</summary>
    public ng_status Add()
    {
        Thread thread = New();
        GCHandle handle = GCHandle.Alloc(thread); // it lives until the record is taken back
        ng_status status = NativeMethods.ng_clr_record_lend((void*)ThreadLocator.OfManaged(thread), (void*)GCHandle.ToIntPtr(handle), _locals, _unstarted);
        if (status == ng_status.OK)
        {
            _ = Interlocked.Increment(ref s_count);
        }
        else
        {
            handle.Free();
        }

        return status;
    }

    /// <summary>Takes records back that are free, beyond some and beyond as many as are in use. The runtime's collector
    /// and finalizer then do away with their threads.</summary>
    public static void TakeBack(ulong keep)
    {
        while (NativeMethods.ng_clr_record_reclaim(keep) is var owner && owner is not null)
        {
            _ = Interlocked.Decrement(ref s_count);
            GCHandle.FromIntPtr((nint)owner).Free();
        }
    }

    private static Thread New() => new(static () => { });

    // The flag is the one whose absence makes the runtime say that the thread is not unstarted.
    private bool Learn(nint running, in ng_clr_layout layout)
    {
        Thread thread = New();
        nint native = ThreadLocator.OfManaged(thread);
        if (native == running
            || NativeMethods.ng_readable_bytes((void*)native, _locals + sizeof(ulong)) < _locals + sizeof(ulong)
            || *(nint*)(running + (nint)_locals) == 0
            || *(nint*)(native + (nint)_locals) != 0
            || *(uint*)(native + (nint)layout.thread_preemptive_disabled) != 0
            || *(ulong*)(native + (nint)layout.thread_frame) != layout.frame_end
            || !IsUnstarted(thread))
        {
            return false;
        }

        uint* state = (uint*)(native + (nint)_state);
        uint before = *state;
        uint candidates = before & ~*(uint*)(running + (nint)_state);
        for (uint flag = 1; flag != 0 && _unstarted == 0; flag <<= 1)
        {
            if ((candidates & flag) != 0)
            {
                _unstarted = IsWhatTellsUnstarted(thread, state, flag) ? flag : 0;
            }
        }

        bool isAsBefore = *state == before && IsUnstarted(thread);
        GC.KeepAlive(thread);
        return _unstarted != 0 && isAsBefore;
    }

    // In between the collector may look at the thread, and passes over it: it has no thread-local data.
    private static bool IsWhatTellsUnstarted(Thread thread, uint* state, uint flag)
    {
        _ = Interlocked.And(ref *state, ~flag);
        bool isStillUnstarted = IsUnstarted(thread);
        _ = Interlocked.Or(ref *state, flag);
        return !isStillUnstarted;
    }

    private static bool IsUnstarted(Thread thread) => (thread.ThreadState & ThreadState.Unstarted) != 0;
}
