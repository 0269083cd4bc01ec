namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>One wait of a task for several objects at once: it has a node in the queue of each.</summary>
internal abstract class WaitGroup : IWaitPlace
{
    /// <summary>What it waits for.</summary>
    public abstract IEnumerable<object> Objects { get; }

    /// <summary>One of the objects is ready. Ends the wait if that is enough; false if it did not. Called under the lock of that
    /// object, from any thread.</summary>
    public abstract bool TryWake(WaitNode node);

    /// <inheritdoc/>
    public abstract void Leave(Waiter waiter, WaitQueue? queue, bool isSignalled);

    /// <summary>What it waits for, for people.</summary>
    public override string ToString() => $"one of {string.Join(", ", Objects.Select(each => each.ToString()))}";
}
