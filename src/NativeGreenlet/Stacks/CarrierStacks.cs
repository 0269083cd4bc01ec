using NativeGreenlet.Interop;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Stacks;

/// <summary>Where a carrier's greenlets run: the stacks of one thread and the way between them.</summary>
internal abstract class CarrierStacks
{
    /// <summary>Gives a greenlet a stack on which it will run its body.</summary>
    /// <exception cref="GreenletException">There is none to be had.</exception>
    public abstract void Create(GreenletCore core);

    /// <summary>Takes back the stack of a greenlet that never began, or that has ended and was left.</summary>
    public abstract void Release(GreenletCore core);

    /// <summary>
    /// Leaves one stack for another. Returns when the first is continued; or at once, with a status other than
    /// <see cref="ng_status.OK"/>, if nothing happened. If the greenlet that is left has ended, returns only where the
    /// bottom of its stack may return.
    /// </summary>
    public abstract ng_status Switch(GreenletCore from, GreenletCore to, bool isFinal);

    /// <summary>Does what a status of <see cref="Switch"/> asks for, so that it can be tried again. False if the stack that was to
    /// be left is pinned.</summary>
    /// <exception cref="GreenletException">It cannot be done.</exception>
    public abstract bool TryRecover(ng_status status);

    /// <summary>Says why the stack is pinned that could not be left. Looks for the method that native code called, which may call
    /// handlers of the program.</summary>
    public abstract GreenletException Refusal();

    /// <summary>Gives up everything: the carrier's thread has ended, with these greenlets suspended on it.</summary>
    public abstract void Detach(Carrier carrier, IReadOnlyList<GreenletCore> suspended);

    /// <summary>Bytes of stack that a suspended greenlet uses; 0 if that is not known.</summary>
    public abstract long BytesUsed(GreenletCore core);
}
