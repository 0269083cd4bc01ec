namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>One wait of one waiter in one queue: a ticket that is good for that wait only.</summary>
internal sealed class WaitNode(Waiter waiter)
{
    public Waiter Waiter { get; } = waiter;

    /// <summary>Which of its waits this is.</summary>
    public long Version { get; set; }

    /// <summary>Whether something was set aside for it when it was woken. Under the lock of the queue's owner.</summary>
    public bool HasPromise { get; set; }

    /// <summary>Whether it was woken to be sent away. Written before it is woken.</summary>
    public bool IsRefused { get; set; }

    public WaitQueue? Queue { get; set; }

    public WaitNode? Previous { get; set; }

    public WaitNode? Next { get; set; }

    /// <summary>The wait for several objects that it is part of.</summary>
    public WaitGroup? Group { get; init; }

    /// <summary>Which of the wake-ups of a wait for several objects this was; 0 if it was none.</summary>
    public int SignalNumber { get; set; }

    /// <summary>Ends the wait, from any thread. False if it has ended already: then somebody else must be woken. What
    /// several wait for wakes all, so there it does not matter.</summary>
    public bool TryWake() => Group is null ? Waiter.TryWake(Version, WakeReason.Signalled) : Group.TryWake(this);
}
