using System.Diagnostics;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// A mutex for tasks, of whatever hub: one holds it at a time, and those that wait get it in the order in which they came.
/// </summary>
/// <remarks>Unlike <see cref="GreenLock"/> it takes no part in the search for deadlocks: its holder waits for the network, not for
/// another task. It has no owner, so one task may enter and another exit.</remarks>
internal sealed class FairMutex : IWaitPlace
{
    private const int Free = 0;
    private const int Held = 1;
    private const int Contended = 2; // held, and somebody may wait: whoever exits looks

    private int _state;
    private WaitQueue? _waiters; // from the first that waits on; the lock of those that do, and of their being woken

    /// <summary>Enters if nobody holds the mutex.</summary>
    /// <returns>Whether the caller holds it now.</returns>
    public bool TryEnter() => Interlocked.CompareExchange(ref _state, Held, Free) == Free;

    /// <summary>Enters; parks the task while another holds the mutex.</summary>
    /// <param name="reason">What the task waits for, as a dump of the hub shows it.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <returns>Whether the caller holds it now; false if the deadline came first.</returns>
    /// <exception cref="MissingHubException">It is held, and the caller is not inside a hub.</exception>
    public bool TryEnter(string reason, long deadline) => TryEnter() || TryEnterContended(reason, deadline);

    /// <summary>Exits, and hands the mutex to the first that waits.</summary>
    public void Exit()
    {
        if (Interlocked.CompareExchange(ref _state, Free, Held) == Held)
        {
            return;
        }

        Debug.Assert(_state == Contended); // somebody holds it
        lock (_waiters!)
        {
            if (_waiters.WakeOne() is null)
            {
                Volatile.Write(ref _state, Free);
            }
        }
    }

    /// <inheritdoc/>
    public void Leave(Waiter waiter, WaitQueue? queue, bool isSignalled)
    {
        lock (queue!)
        {
            queue.Remove(waiter.Node);
        }

        if (isSignalled)
        {
            Exit(); // the mutex was handed over, and the wait failed all the same
        }
    }
    private bool TryEnterContended(string reason, long deadline)
    {
        Waiter waiter = Hub.RequireTask().Waiter;
        WaitQueue waiters = _waiters ?? Interlocked.CompareExchange(ref _waiters, new WaitQueue(), null) ?? _waiters;
        lock (waiters)
        {
            if (Interlocked.Exchange(ref _state, Contended) == Free)
            {
                return true;
            }

            waiter.Begin(reason);
            waiter.EnterPlace(this, waiters);
            waiters.Add(waiter.Node);
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
                Leave(waiter, waiters, waiter.HasLostSignal);
            }
        }

        return isHolder;
    }
}
