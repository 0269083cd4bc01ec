using System.Diagnostics;
using NativeGreenlet.Cooperative.Synchronization;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A number of permits. Tasks of any hub wait for one, in the order in which they came; any thread may release
/// some.</summary>
/// <example><code>
/// GreenSemaphore slots = new(count: 3, maximum: 3);
/// Hub.Run(() =&gt;
/// {
///     for (int i = 0; i &lt; 10; i++)
///     {
///         Hub.Spawn(() =&gt;
///         {
///             slots.Wait();
///             try
///             {
///                 Hub.Sleep(TimeSpan.FromSeconds(1)); // at most three at a time
///             }
///             finally
///             {
///                 slots.Release();
///             }
///         });
///     }
/// });
/// </code></example>
public sealed class GreenSemaphore : IShared
{
    private readonly WaitRoom _room;
    private readonly WaitQueue _waiters = new();
    private readonly int _maximum;
    private int _count;

    /// <summary>Creates a semaphore.</summary>
    /// <param name="count">The permits there are at first.</param>
    /// <param name="maximum">How many there may be.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    public GreenSemaphore(int count = 1, int maximum = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximum, Math.Max(count, 1));
        _room = new WaitRoom(this);
        _count = count;
        _maximum = maximum;
    }

    /// <summary>Permits that are free now.</summary>
    public int CurrentCount => Volatile.Read(ref _count);

    WaitRoom IShared.Room => _room;

    void IShared.HandOn(WaitNode node, WaitQueue queue)
    {
        Debug.Assert(_room.Gate.IsHeldByCurrentThread);
        if (!node.IsRefused && _waiters.WakeOne() is null)
        {
            _count++;
        }
    }

    /// <summary>Waits for a permit and takes it.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and no permit is free.</exception>
    public void Wait() => Wait(Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Wait(CancellationToken cancellationToken) => Wait(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most; zero only takes one that is free.</param>
    /// <returns>Whether it got one.</returns>
    public bool Wait(TimeSpan timeout) => Wait(timeout, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most; zero only takes one that is free.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether it got one.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        return Take(timeout, cancellationToken) == SemaphoreResult.Taken;
    }

    /// <summary>Gives permits back: to those who wait, first. From any thread.</summary>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is zero or negative.</exception>
    /// <exception cref="SemaphoreFullException">There would be more than the maximum.</exception>
    public void Release(int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _room.Touch();
        lock (_room.Gate)
        {
            if (count > _maximum - _count)
            {
                throw new SemaphoreFullException();
            }

            while (count > 0 && _waiters.WakeOne() is not null)
            {
                count--; // the permit is that waiter's
            }

            _count += count;
        }
    }

    /// <summary>Waits for a permit.</summary>
    internal SemaphoreResult Take(TimeSpan timeout, CancellationToken cancellationToken)
    {
        _room.EnterWait(cancellationToken);
        Waiter? waiter = null;
        while (true)
        {
            lock (_room.Gate)
            {
                // Nobody waits while there are permits: a release hands them on.
                if (_count > 0)
                {
                    _count--;
                    return SemaphoreResult.Taken;
                }

                if (timeout == TimeSpan.Zero)
                {
                    return SemaphoreResult.TimedOut;
                }

                if (waiter is not null)
                {
                    _room.Enqueue(waiter, _waiters);
                    break;
                }
            }

            waiter = Hub.RequireTask().Waiter; // not under the lock
        }

        return !_room.Park(waiter, _waiters, HubClock.After(timeout), cancellationToken) ? SemaphoreResult.TimedOut
            : waiter.Node.IsRefused ? SemaphoreResult.Refused
            : SemaphoreResult.Taken;
    }

    /// <summary>Lets a wait for several objects be ended by a permit, which it has then; false if there is one.</summary>
    internal bool TryLink(WaitNode node)
    {
        lock (_room.Gate)
        {
            if (_count > 0)
            {
                return false;
            }

            _waiters.Add(node);
            return true;
        }
    }

    /// <summary>Takes that back.</summary>
    internal void Unlink(WaitNode node)
    {
        lock (_room.Gate)
        {
            _waiters.Remove(node);
        }
    }

    /// <summary>Gives the permit that such a wait was ended by to the next.</summary>
    internal void HandOn(WaitNode node)
    {
        lock (_room.Gate)
        {
            ((IShared)this).HandOn(node, _waiters);
        }
    }

    /// <summary>Sends all away who wait.</summary>
    internal void RefuseAll()
    {
        lock (_room.Gate)
        {
            _waiters.RefuseAll();
        }
    }

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => $"a semaphore ({CurrentCount} free)";
}
