namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>A synchronization object, for waits that are never ended, or fail.</summary>
internal interface IShared
{
    WaitRoom Room { get; }

    /// <summary>A wait was woken, and failed before it could take what it was woken for: the next gets it. Under the
    /// lock.</summary>
    void HandOn(WaitNode node, WaitQueue queue)
    {
        // Who waits for what all get is not missed.
    }

    /// <summary>A wait is over that nobody had ended, and its task never comes back to tell. Under the lock.</summary>
    void Forget(WaitNode node)
    {
        // Most keep nothing of it but its place in a queue, which it has lost.
    }
}
