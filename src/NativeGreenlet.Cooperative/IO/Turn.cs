using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO;

/// <summary>Lets one task at a time use something, whichever hub it is in, in the order in which they came. Unlike a lock of
/// tasks it is part of no deadlock: who has it waits for the network, not for others.</summary>
internal sealed class Turn
{
    private readonly object _gate = new();
    private WaitQueue? _queue;
    private bool _isTaken;

    /// <summary>Takes it if it is free.</summary>
    public bool TryTake()
    {
        lock (_gate)
        {
            bool isFree = !_isTaken;
            _isTaken = true;
            return isFree;
        }
    }

    /// <summary>Takes it, and waits for that. False if the time is up.</summary>
    /// <param name="what">What for, for people.</param>
    /// <param name="due">The time limit, by <see cref="HubClock"/>.</param>
    public bool Take(string what, long due)
    {
        if (TryTake())
        {
            return true;
        }

        Waiter waiter = Hub.RequireTask().Waiter;
        lock (_gate)
        {
            if (!_isTaken)
            {
                _isTaken = true;
                return true;
            }

            waiter.Begin(what);
            (_queue ??= new WaitQueue()).Add(waiter.Node);
        }

        bool isTaken = false;
        try
        {
            isTaken = waiter.Park(due, isExternal: true);
        }
        finally
        {
            if (!isTaken)
            {
                lock (_gate)
                {
                    _queue.Remove(waiter.Node);
                }

                if (waiter.HasLostSignal)
                {
                    Give(); // it was handed over, and the wait failed all the same
                }
            }
        }

        return isTaken;
    }

    /// <summary>Gives it to the next, if there is one.</summary>
    public void Give()
    {
        lock (_gate)
        {
            _isTaken = _queue?.WakeOne() is not null;
        }
    }
}
