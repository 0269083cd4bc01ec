using NativeGreenlet.Interop;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Stacks;

/// <summary>
/// Stacks by OS threads, of which one has the baton: for runtimes that we do not know, and the baseline of the
/// benchmarks. Needs nothing of the runtime.
/// </summary>
internal sealed class ThreadStacks : CarrierStacks
{
    private readonly Carrier _carrier;

    public ThreadStacks(Carrier carrier)
    {
        _carrier = carrier;
        StackRange.AddAll();
        carrier.Main.Core.Thread = BatonThread.OfCaller();
    }

    public override void Create(GreenletCore core) => core.Thread = BatonThread.Rent(_carrier, core.StackSize);

    // One that ran returns to the pool by itself.
    public override void Release(GreenletCore core)
    {
        if (!core.HasBegun)
        {
            core.Thread!.Return();
        }

        core.Thread = null;
    }

    public override ng_status Switch(GreenletCore from, GreenletCore to, bool isFinal)
    {
        if (isFinal)
        {
            from.Thread!.Heir = to.Thread;
        }
        else
        {
            to.Thread!.Give();
            from.Thread!.Wait();
        }

        return ng_status.OK;
    }

    public override bool TryRecover(ng_status status) => throw new GreenletException(GreenletError.NotSupported, NativeEngine.Message(status));

    public override GreenletException Refusal() => throw new System.Diagnostics.UnreachableException();

    // A thread cannot be taken away from under its frames. Each unwinds on its own, one at a time; the finalizer thread,
    // which may be the caller, does not wait for them.
    public override void Detach(Carrier carrier, IReadOnlyList<GreenletCore> suspended)
    {
        if (suspended.Count != 0)
        {
            _ = ThreadPool.UnsafeQueueUserWorkItem(_ => carrier.UnwindAfterExit(suspended), null);
        }
    }

    public override long BytesUsed(GreenletCore core) => core.Thread?.BytesUsed ?? 0;
}
