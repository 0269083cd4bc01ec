using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Stacks;

/// <summary>Slices of the thread's own stack, copied out and in, which a conservative collector finds in an arena.</summary>
[StackTraceHidden]
internal sealed unsafe class SliceStacks : NativeStacks
{
    private SliceStacks(ng_sliced_carrier* native)
        : base((ng_carrier*)native, (delegate* unmanaged[Cdecl]<ng_carrier*, ng_greenlet*, uint, ng_status>)(delegate* unmanaged[Cdecl]<ng_sliced_carrier*, ng_sliced_greenlet*, uint, ng_status>)&CommitSwitch)
    {
    }

    protected override ng_words* Words => NativeMethods.ng_sliced_words(Carrier);

    private ng_sliced_carrier* Carrier => (ng_sliced_carrier*)Native;

    /// <summary>Makes the calling thread a carrier, if it can be one.</summary>
    public static ng_status TryAttach(nint thread, GreenletCore main, out NativeStacks? stacks)
    {
        ng_slices_config config = NativeMethods.ng_slices_config_default();
        ng_sliced_carrier* native;
        ng_status status = NativeMethods.ng_sliced_attach((void*)thread, &config, &CommitSwitch, (delegate* unmanaged[Cdecl]<ng_sliced_greenlet*, void>)(delegate* unmanaged[Cdecl]<ng_greenlet*, void>)&Enter, &native);
        stacks = null;
        if (status == ng_status.OK)
        {
            main.Native = (ng_greenlet*)NativeMethods.ng_sliced_main(native);
            StackRange.AddAll();
            stacks = new SliceStacks(native);
            CarrierRegistry.WatchCollections();
        }

        return status;
    }

    public override void Create(GreenletCore core)
    {
        ng_sliced_greenlet* native;
        ng_status status = NativeMethods.ng_sliced_create(Carrier, &native);
        if (status != ng_status.OK)
        {
            throw new GreenletException(GreenletError.OutOfStacks, $"The greenlet could not be made: {NativeEngine.Message(status)}.");
        }

        core.Native = (ng_greenlet*)native;
    }

    public override void Release(GreenletCore core)
    {
        _ = NativeMethods.ng_sliced_destroy(Greenlet(core));
        core.Native = null;
    }

    public override void Detach(Carrier carrier, IReadOnlyList<GreenletCore> suspended)
    {
        foreach (GreenletCore core in suspended)
        {
            ExceptionsInFlight.Release(Greenlet(core));
            if (NativeMethods.ng_sliced_abandon(Greenlet(core)) == ng_status.OK)
            {
                Release(core);
            }

            core.Native = null;
        }

        _ = NativeMethods.ng_sliced_detach(Carrier);
        ReleaseWords();
    }

    public override long BytesUsed(GreenletCore core) => (long)NativeMethods.ng_sliced_stack_used(Greenlet(core));

    private static ng_sliced_greenlet* Greenlet(GreenletCore core) => (ng_sliced_greenlet*)core.Native;

    // Enters cooperative mode; saving, relinking and restoring happen in the one native call. Nothing may follow it that
    // the compiler could put a safe point before.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ng_status CommitSwitch(ng_sliced_carrier* carrier, ng_sliced_greenlet* target, uint isFinal) =>
        NativeMethods.ng_sliced_commit(carrier, target, isFinal);
}
