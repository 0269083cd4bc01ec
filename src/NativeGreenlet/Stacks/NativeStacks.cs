using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Stacks;

/// <summary>Stacks by the native library: what its two ways of keeping parked stacks have in common. A carrier and a
/// greenlet are no more than addresses to managed code, so those of both ways bear one type here.</summary>
[StackTraceHidden]
internal abstract unsafe class NativeStacks : CarrierStacks
{
    private ThreadWords? _words;

    /// <param name="native">The native carrier.</param>
    /// <param name="commit">The switch.</param>
    protected NativeStacks(ng_carrier* native, delegate* unmanaged[Cdecl]<ng_carrier*, ng_greenlet*, uint, ng_status> commit)
    {
        Native = native;
        Commit = commit;
    }

    public ng_carrier* Native { get; }

    /// <summary>The words of the thread that lead into its stack.</summary>
    protected abstract ng_words* Words { get; }

    /// <summary>The switch that needs no transition; null where there is none.</summary>
    public virtual delegate*<ng_carrier*, ng_greenlet*, ulong> Direct => null;

    /// <summary>Likewise for the end of a greenlet.</summary>
    public virtual delegate*<ng_carrier*, ng_greenlet*, ulong> DirectEnd => null;

    /// <summary>The switch, for the carrier to call without a detour: managed code is left by this pointer and entered again
    /// behind it, and from there the native library is called once. <c>ng_switch</c> would be a native frame more.</summary>
    public delegate* unmanaged[Cdecl]<ng_carrier*, ng_greenlet*, uint, ng_status> Commit { get; }

    /// <summary>What the system calls the carrier's thread.</summary>
    public ulong SystemThreadId { get; private set; }

    /// <summary>Makes the calling thread a carrier of the native library. It must be on its own stack.</summary>
    /// <exception cref="GreenletException">It cannot be one.</exception>
    public static NativeStacks Attach(GreenletBackend backend, RuntimeBridge bridge, GreenletCore main)
    {
        nint thread;
        try
        {
            thread = bridge.Layout.Locator.Current();
        }
        catch (UnsupportedRuntimeException exception)
        {
            throw new GreenletException(GreenletError.NotSupported, $"This thread cannot run greenlets: {exception.Message}.", exception);
        }

        bool hasSwept = false;
        while (true)
        {
            ng_status status = backend == GreenletBackend.Slices
                ? SliceStacks.TryAttach(thread, main, out NativeStacks? stacks)
                : SegmentStacks.TryAttach(thread, main, out stacks);
            switch (status)
            {
                case ng_status.OK:
                    stacks!.SystemThreadId = NativeMethods.ng_thread_id(); // here: who calls it is compiled where there is no native library, too
                    stacks._words = ThreadWords.OfThisThread(stacks.Words, thread, bridge.Layout.ThreadLocalData);
                    return stacks;

                case ng_status.NEED_RECORD when hasSwept:
                    ThreadRecords.AddThread();
                    break;

                // A thread that has ended may have left its record; or it had its Thread object at the same address.
                case ng_status.NEED_RECORD or ng_status.ERROR_STATE when !hasSwept:
                    CarrierRegistry.Sweep();
                    hasSwept = true;
                    break;

                case ng_status.ERROR_STATE:
                    throw new GreenletException(
                        GreenletError.NotSupported,
                        "Another copy of NativeGreenlet, in another AssemblyLoadContext, already runs greenlets on this thread. Share one copy of the assembly between the contexts, or use another thread.");

                default:
                    throw new GreenletException(GreenletError.OutOfStacks, $"This thread cannot run greenlets: {NativeEngine.Message(status)}.");
            }
        }
    }

    public override ng_status Switch(GreenletCore from, GreenletCore to, bool isFinal) =>
        Commit(Native, to.Native, isFinal ? 1u : 0u);

    public override bool TryRecover(ng_status status)
    {
        switch (status)
        {
            case ng_status.RETRY:
                return true;

            case ng_status.NEED_RECORD:
                ThreadRecords.Add();
                return true;

            case ng_status.ERROR_PINNED:
                return _words!.TryExplain();

            case ng_status.ERROR_MEMORY or ng_status.ERROR_MAPPINGS or ng_status.ERROR_ARENA:
                throw new GreenletException(GreenletError.OutOfStacks, $"The greenlets that are in the way could not be saved: {NativeEngine.Message(status)}.");

            default:
                throw new GreenletException(GreenletError.NotSupported, $"The switch failed: {NativeEngine.Message(status)}.");
        }
    }

    public override GreenletException Refusal() => _words!.Refusal();

    /// <summary>Forgets the words of a thread that has ended.</summary>
    protected void ReleaseWords() => _words?.Dispose();

    /// <summary>The first managed frame of a stack, and its only one below the body.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected static void Enter(ng_greenlet* self)
    {
        object? result;
        ExceptionDispatchInfo? error = null;
        try
        {
            result = Carrier.TakeBody()(Carrier.Begin());
        }
        catch (Exception exception)
        {
            result = Carrier.Caught(exception, out error);
        }

        Leave(result, error);
    }

    /// <summary>The last call of the first frame. Does not return.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    protected static void Leave(object? result, ExceptionDispatchInfo? error)
    {
        try
        {
            Carrier.End(result, error);
        }
        catch (Exception exception)
        {
            // An exception must not leave a stack by its bottom.
            Environment.FailFast("NativeGreenlet: a greenlet's bottom frame was unwound.", exception);
        }

        Environment.FailFast("NativeGreenlet: a greenlet that ended could not leave its stack.");
    }
}
