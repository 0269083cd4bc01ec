using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>The wait of a select: the first of its objects that ends it is the one. Who comes second is told that it was none, and
/// keeps what it has for another.</summary>
internal sealed class SelectWait(List<SelectCase> cases) : WaitGroup
{
    /// <inheritdoc/>
    public override IEnumerable<object> Objects => cases.Where(each => each.IsEnabled).Select(each => each.Object);

    /// <inheritdoc/>
    public override bool TryWake(WaitNode node)
    {
        if (!node.Waiter.TryWake(node.Version, WakeReason.Signalled))
        {
            return false;
        }

        node.SignalNumber = 1; // whoever asks waits for the lock first
        return true;
    }

    /// <inheritdoc/>
    public override void Leave(Waiter waiter, WaitQueue? queue, bool isSignalled)
    {
        foreach (SelectCase each in cases)
        {
            if (each.IsEnabled && each is not UnlinkedCase)
            {
                each.Unlink();
                if (isSignalled && each.IsChosen)
                {
                    each.HandOn();
                }
            }
        }
    }
}
