using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Core;

/// <summary>Stacks by the native library: segments, parked where the collector finds them.</summary>
[StackTraceHidden]
internal sealed unsafe class NativeStacks : Stacks
{
    private NativeStacks(ng_carrier* native)
    {
        Native = native;
    }

    /// <summary>The switch, for the carrier to call without a detour: managed code is left by this pointer and entered again
    /// behind it, and from there the native library is called once. <c>ng_switch</c> would be a native frame more.</summary>
    public static delegate* unmanaged[Cdecl]<ng_carrier*, ng_greenlet*, uint, ng_status> Commit => &CommitSwitch;

    public ng_carrier* Native { get; }

    /// <summary>Makes the calling thread a carrier of the native library. It must be on its own stack.</summary>
    /// <exception cref="GreenletException">It cannot be one.</exception>
    public static NativeStacks Attach(RuntimeBridge bridge, GreenletCore main)
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
            ng_carrier* native;
            ng_status status = NativeMethods.ng_carrier_attach((void*)thread, Commit, &Enter, &native);
            switch (status)
            {
                case ng_status.OK:
                    main.Native = NativeMethods.ng_carrier_main(native);
                    return new NativeStacks(native);

                case ng_status.NEED_RECORD:
                    ThreadRecords.Add();
                    break;

                case ng_status.ERROR_STATE when !hasSwept:
                    CarrierRegistry.Sweep(); // a thread that ended had its Thread object at the same address
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

    public override void Create(GreenletCore core)
    {
        ng_greenlet* native;
        ng_segments* pool = StackPools.For(core.StackSize);
        ng_status status = NativeMethods.ng_greenlet_create(pool, &native);
        if (status != ng_status.OK)
        {
            string reason = status == ng_status.ERROR_SEGMENTS ? StackPools.DescribeExhaustion(pool) : NativeEngine.Message(status);
            throw new GreenletException(GreenletError.OutOfStacks, $"The greenlet could not be given a stack: {reason}.");
        }

        core.Native = native;
    }

    public override void Release(GreenletCore core)
    {
        _ = NativeMethods.ng_greenlet_destroy(core.Native);
        core.Native = null;
    }

    public override ng_status Switch(GreenletCore from, GreenletCore to, bool isFinal) =>
        Commit(Native, to.Native, isFinal ? 1u : 0u);

    public override void Recover(ng_status status)
    {
        switch (status)
        {
            case ng_status.RETRY:
                break;

            case ng_status.NEED_RECORD:
                ThreadRecords.Add();
                break;

            default:
                throw new GreenletException(GreenletError.NotSupported, $"The switch failed: {NativeEngine.Message(status)}.");
        }
    }

    public override void Detach(Carrier carrier, IReadOnlyList<GreenletCore> suspended)
    {
        foreach (GreenletCore core in suspended)
        {
            void* exceptions = NativeMethods.ng_greenlet_exceptions(core.Native);
            if (NativeMethods.ng_greenlet_abandon(core.Native) == ng_status.OK)
            {
                ExceptionsInFlight.Release(exceptions);
                Release(core);
            }

            core.Native = null;
        }

        _ = NativeMethods.ng_carrier_detach(Native);
    }

    public override long BytesUsed(GreenletCore core) => (long)NativeMethods.ng_greenlet_stack_used(core.Native);

    // The first thing on a new stack.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Enter(ng_greenlet* self)
    {
        try
        {
            Carrier.OfThisThreadOrNull!.Live();
        }
        catch (Exception exception)
        {
            // An exception must not leave a stack by its bottom.
            Environment.FailFast("NativeGreenlet: a greenlet's bottom frame was unwound.", exception);
        }

        Environment.FailFast("NativeGreenlet: a greenlet that ended could not leave its stack.");
    }

    // Enters cooperative mode; the relinking and the swap of stacks happen in the one native call. Nothing may follow it
    // that the compiler could put a safe point before.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ng_status CommitSwitch(ng_carrier* carrier, ng_greenlet* target, uint isFinal) =>
        NativeMethods.ng_commit(carrier, target, isFinal);
}
