using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>Finds the runtime's Thread object of the calling thread.</summary>
internal sealed unsafe class ThreadLocator
{
    // The walk is bounded so that a list which is not one cannot hold us for ever.
    private const int MostThreads = 100_000;

    private readonly uint _osId;
    private readonly uint _linkNext;
    private readonly uint _firstLink;
    private readonly uint _preemptiveDisabled;
    private readonly nint _threadStore;

    public ThreadLocator(ContractDescriptor descriptor)
    {
        _osId = descriptor.Offset("Thread", "OSId");
        _linkNext = descriptor.Offset("Thread", "LinkNext");
        _preemptiveDisabled = descriptor.Offset("Thread", "PreemptiveGCDisabled");
        _firstLink = descriptor.Offset("ThreadStore", "FirstThreadLink");
        _threadStore = descriptor.Address("ThreadStore");
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

    /// <summary>Whether the runtime's list of threads leads to a Thread object: that is, whether the list is where the
    /// descriptor says it is. Done once, at start-up.</summary>
    public bool IsListed(nint thread)
    {
        nint store = *(nint*)_threadStore;
        if (store == 0)
        {
            return false;
        }

        nint link = *(nint*)(store + (nint)_firstLink);
        for (int i = 0; link != 0 && i < MostThreads; i++)
        {
            if (link - (nint)_linkNext == thread)
            {
                return true;
            }

            link = *(nint*)link;
        }

        return false;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_DONT_USE_InternalThread")]
    private static extern ref nint NativeThread(Thread thread);
}
