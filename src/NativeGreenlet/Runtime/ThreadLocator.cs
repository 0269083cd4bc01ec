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

    /// <summary>
    /// The calling thread's object, from the managed thread's own pointer to it. Checked: the object must bear the
    /// system's number of this thread and be in cooperative mode, as managed code is.
    /// </summary>
    /// <exception cref="UnsupportedRuntimeException">It cannot be found.</exception>
    public nint Current()
    {
        nint thread;
        try
        {
            thread = NativeThread(Thread.CurrentThread);
        }
        catch (MissingFieldException exception)
        {
            throw new UnsupportedRuntimeException("its managed threads do not know their native ones", exception);
        }

        if (thread == 0 || thread % nint.Size != 0)
        {
            throw new UnsupportedRuntimeException("its managed threads point to no native ones");
        }

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

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_DONT_USE_InternalThread")]
    private static extern ref nint NativeThread(Thread thread);
}
