using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>Finds the runtime's Thread object of the calling thread.</summary>
internal sealed unsafe class ThreadLocator
{
    private readonly uint _osId;
    private readonly uint _preemptiveDisabled;

    public ThreadLocator(ContractDescriptor descriptor)
    {
        _osId = descriptor.ThreadOffset("OSId", sizeof(ulong));
        _preemptiveDisabled = descriptor.ThreadOffset("PreemptiveGCDisabled", sizeof(uint));
    }

    /// <summary>Checks that what is read of the calling thread's object is memory at all. The runtime's own descriptor leads
    /// nowhere else; one that does is refused, not followed.</summary>
    /// <exception cref="UnsupportedRuntimeException">It is not.</exception>
    public void RequireMemory(in ng_clr_layout layout)
    {
        ReadOnlySpan<uint> offsets = stackalloc uint[] { _osId, layout.thread_state, layout.thread_preemptive_disabled, layout.thread_frame, layout.thread_exception_tracker };
        ulong bytes = 0;
        foreach (uint offset in offsets)
        {
            bytes = Math.Max(bytes, offset + sizeof(ulong));
        }

        if (NativeMethods.ng_readable_bytes((void*)OfManaged(Thread.CurrentThread), bytes) < bytes)
        {
            throw new UnsupportedRuntimeException("a field of its Thread objects lies where no memory is");
        }
    }

    /// <summary>
    /// The calling thread's object, from the managed thread's own pointer to it. Checked: the object must bear the
    /// system's number of this thread and be in cooperative mode, as managed code is.
    /// </summary>
    /// <exception cref="UnsupportedRuntimeException">It cannot be found.</exception>
    public nint Current()
    {
        nint thread = OfManaged(Thread.CurrentThread);
        ulong id = NativeMethods.ng_thread_id();
        ulong noted = *(nuint*)(thread + (nint)_osId);
        if (noted != id)
        {
            throw new UnsupportedRuntimeException($"the Thread object of thread {id} bears number {noted}");
        }

        return *(uint*)(thread + (nint)_preemptiveDisabled) == 1
            ? thread
            : throw new UnsupportedRuntimeException("a thread that runs managed code is not in cooperative mode");
    }

    /// <summary>The object of a managed thread, from its own pointer to it.</summary>
    /// <exception cref="UnsupportedRuntimeException">It has none.</exception>
    public static nint OfManaged(Thread managed)
    {
        nint thread;
        try
        {
            thread = NativeThread(managed);
        }
        catch (MissingFieldException exception)
        {
            throw new UnsupportedRuntimeException("its managed threads do not know their native ones", exception);
        }

        return thread != 0 && thread % nint.Size == 0
            ? thread
            : throw new UnsupportedRuntimeException("its managed threads point to no native ones");
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_DONT_USE_InternalThread")]
    private static extern ref nint NativeThread(Thread thread);
}
