using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// A mutex for tasks, of whatever hub: one holds it at a time, and those that wait get it in the order in which they came.
/// </summary>
/// <remarks>Unlike <see cref="GreenLock"/> it takes no part in the search for deadlocks: its holder waits for the network, not for
/// another task. It has no owner, so one task may enter and another exit.</remarks>
internal sealed class FairMutex : IWaitPlace
{
    private readonly object _gate = new();
    private WaitQueue? _waiters;
    private bool _isHeld;

    /// <summary>Enters if nobody holds the mutex.</summary>
    /// <returns>Whether the caller holds it now.</returns>
    public bool TryEnter()
    {
        lock (_gate)
        {
            bool isFree = !_isHeld;
            _isHeld = true;
            return isFree;
        }
    }

    /// <summary>Enters; parks the task while another holds the mutex.</summary>
    /// <param name="reason">What the task waits for, as a dump of the hub shows it.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <returns>Whether the caller holds it now; false if the deadline came first.</returns>
    /// <exception cref="MissingHubException">It is held, and the caller is not inside a hub.</exception>
    public bool TryEnter(string reason, long deadline)
    {
        if (TryEnter())
        {
            return true;
        }

        Waiter waiter = Hub.RequireTask().Waiter;
        lock (_gate)
        {
            if (!_isHeld)
            {
                _isHeld = true;
                return true;
            }

            waiter.Begin(reason);
            waiter.EnterPlace(this, _waiters ??= new WaitQueue());
            _waiters.Add(waiter.Node);
        }

        bool isHolder = false;
        try
        {
            isHolder = waiter.Park(deadline, isExternal: true);
        }
        finally
        {
            if (!isHolder)
            {
                Leave(waiter, _waiters, waiter.HasLostSignal);
            }
        }

        return isHolder;
    }

    /// <summary>Exits, and hands the mutex to the first that waits.</summary>
    public void Exit()
    {
        lock (_gate)
        {
            _isHeld = _waiters?.WakeOne() is not null;
        }
    }

    /// <inheritdoc/>
    public void Leave(Waiter waiter, WaitQueue? queue, bool isSignalled)
    {
        lock (_gate)
        {
            queue!.Remove(waiter.Node);
        }

        if (isSignalled)
        {
            Exit(); // the mutex was handed over, and the wait failed all the same
        }
    }
}
