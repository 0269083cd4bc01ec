using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Stacks;

/// <summary>Stacks in segments of their own, parked where the collector finds them and walks them precisely.</summary>
[StackTraceHidden]
internal sealed unsafe class SegmentStacks : NativeStacks
{
    private static delegate* unmanaged[Cdecl]<ng_greenlet*, void> s_enterDirectly; // null until it is compiled

    private SegmentStacks(ng_carrier* native)
        : base(native, &CommitSwitch)
    {
    }

    /// <summary>Makes the calling thread a carrier, if it can be one.</summary>
    public static ng_status TryAttach(nint thread, GreenletCore main, out NativeStacks? stacks)
    {
        if (s_enterDirectly == null)
        {
            s_enterDirectly = PrepareToEnterDirectly();
        }

        ng_carrier* native;
        ng_status status = NativeMethods.ng_carrier_attach((void*)thread, &CommitSwitch, &Enter, &native);
        stacks = null;
        if (status == ng_status.OK)
        {
            main.Native = NativeMethods.ng_carrier_main(native);
            _ = NativeMethods.ng_carrier_enter_directly(native, s_enterDirectly); // or it cannot be done, and Enter is the entry
            stacks = new SegmentStacks(native);
        }

        return status;
    }

    // A managed pointer to native code: the call is one of a managed method, which the library's function takes care to be.
    public override delegate*<ng_carrier*, ng_greenlet*, ulong> Direct =>
        (delegate*<ng_carrier*, ng_greenlet*, ulong>)NativeMethods.ng_clr_direct();

    public override delegate*<ng_carrier*, ng_greenlet*, ulong> DirectEnd =>
        (delegate*<ng_carrier*, ng_greenlet*, ulong>)NativeMethods.ng_clr_direct_end();

    protected override ng_words* Words => NativeMethods.ng_carrier_words(Native);

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
        core.StackTop = NativeMethods.ng_greenlet_stack_reach(native) >= Carrier.LeastReach ? (nuint)native : 0;
    }

    public override void Release(GreenletCore core)
    {
        _ = NativeMethods.ng_greenlet_destroy(core.Native);
        core.Native = null;
        core.StackTop = 0;
    }

    public override void Detach(Carrier carrier, IReadOnlyList<GreenletCore> suspended)
    {
        foreach (GreenletCore core in suspended)
        {
            FrozenPark* park = core.Park;
            core.Park = null;
            if (park is not null && park->Native is not null)
            {
                core.Native = park->Native;
                if (park->Frozen is not null)
                {
                    core.Native = NativeMethods.ng_frozen_abandon(park->Frozen); // no exceptions in flight there
                    core.FrozenReferences = null;
                    FrozenPark.GiveBack(park);
                    Release(core);
                    continue;
                }
            }

            FrozenPark.GiveBack(park);

            void* exceptions = NativeMethods.ng_greenlet_exceptions(core.Native);
            if (NativeMethods.ng_greenlet_abandon(core.Native) == ng_status.OK)
            {
                ExceptionsInFlight.Release(exceptions);
                Release(core);
            }

            core.Native = null;
        }

        _ = NativeMethods.ng_carrier_detach(Native);
        ReleaseWords();
    }

    // Also asked by other threads, of which any may look while the greenlet is set aside or thawed: each way gives some number.
    public override long BytesUsed(GreenletCore core)
    {
        FrozenPark* park = core.Park;
        ng_greenlet* aside = park is null ? null : park->Native;
        return aside is null ? (long)NativeMethods.ng_greenlet_stack_used(core.Native)
            : park->Frozen is not null ? park->StackBytes
            : (long)NativeMethods.ng_greenlet_stack_used(aside);
    }

    // Enters cooperative mode; the relinking and the swap of stacks happen in the one native call. Nothing may follow it
    // that the compiler could put a safe point before.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ng_status CommitSwitch(ng_carrier* carrier, ng_greenlet* target, uint isFinal) =>
        NativeMethods.ng_commit(carrier, target, isFinal);

    // As the other Enter, called without a transition. Nothing else may be on the stack below the body: so there are two.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Enter(nint self)
    {
        _ = self;
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

    // Compiled beforehand: what compiles a method at its first call expects managed code below.
    private static delegate* unmanaged[Cdecl]<ng_greenlet*, void> PrepareToEnterDirectly()
    {
        Action<nint> enter = Enter;
        RuntimeHelpers.PrepareMethod(enter.Method.MethodHandle);
        return (delegate* unmanaged[Cdecl]<ng_greenlet*, void>)enter.Method.MethodHandle.GetFunctionPointer();
    }
}
