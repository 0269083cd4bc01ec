using System.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Mutual exclusion between tasks, of any hub. The owner is a task, not a thread, so it may wait while it holds the lock,
/// which must never be done inside the <c>lock</c> statement. The owner may enter it again.
/// </summary>
/// <example><code>
/// using (gate.EnterScope())
/// {
///     // one task at a time
/// }
/// </code></example>
public sealed class GreenLock : IShared
{
    private readonly WaitRoom _room;
    private readonly WaitQueue _waiters = new();
    private GreenTask? _owner;
    private int _depth;

    /// <summary>Creates a lock that nobody holds.</summary>
    public GreenLock()
    {
        _room = new WaitRoom(this);
    }

    /// <summary>Gets a value indicating whether the current task holds it.</summary>
    public bool IsHeldByCurrentTask
    {
        get
        {
            // One that was handed the lock may look before who handed it over has written that down.
            lock (_room.Gate)
            {
                return HubLoop.OfThisThreadOrNull?.CurrentTask is { } task && task == _owner;
            }
        }
    }

    WaitRoom IShared.Room => _room;

    void IShared.HandOn(WaitNode node, WaitQueue queue) => HandOn();

    /// <summary>The task that holds it; null if none does.</summary>
    internal GreenTask? Owner
    {
        get
        {
            lock (_room.Gate)
            {
                return _owner;
            }
        }
    }

    /// <summary>Waits until the lock is free, and takes it.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub: there is no task to own it.</exception>
    public void Enter() => TryEnter(Timeout.InfiniteTimeSpan);

    /// <inheritdoc cref="Enter()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Enter(CancellationToken cancellationToken) => TryEnter(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>Takes the lock, if it is free in time.</summary>
    /// <param name="timeout">How long to wait at most; by default not at all.</param>
    /// <returns>Whether it was taken.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub: there is no task to own it.</exception>
    public bool TryEnter(TimeSpan timeout = default) => TryEnter(timeout, CancellationToken.None);

    /// <summary>Takes the lock, if it is free in time.</summary>
    /// <param name="timeout">How long to wait at most; by default not at all.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether it was taken.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub: there is no task to own it.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool TryEnter(TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        _ = Hub.RequireTask();
        _room.EnterWait(cancellationToken);
        return Take(timeout, cancellationToken);
    }

    /// <summary>Takes the lock; disposing of the result gives it back.</summary>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub: there is no task to own it.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public Scope EnterScope(CancellationToken cancellationToken = default)
    {
        Enter(cancellationToken);
        return new Scope(this);
    }

    /// <summary>Gives the lock back: to the first that waits.</summary>
    /// <exception cref="SynchronizationLockException">The current task does not hold it.</exception>
    public void Exit()
    {
        GreenTask? self = HubLoop.OfThisThreadOrNull?.CurrentTask;
        lock (_room.Gate)
        {
            if (self is null || _owner != self)
            {
                throw NotHeld(self);
            }

            if (--_depth == 0)
            {
                HandOn();
            }
        }
    }

    /// <exception cref="SynchronizationLockException">The current task does not hold it.</exception>
    internal void RequireHeld()
    {
        if (!IsHeldByCurrentTask)
        {
            throw NotHeld(HubLoop.OfThisThreadOrNull?.CurrentTask);
        }
    }

    /// <summary>Gives it back however often it was entered; tells how often.</summary>
    internal int ExitWholly()
    {
        int depth = _depth;
        _depth = 1;
        Exit();
        return depth;
    }

    /// <summary>Takes it as often as it was entered before.</summary>
    internal void Reenter(int depth)
    {
        Take(Timeout.InfiniteTimeSpan, CancellationToken.None);
        lock (_room.Gate)
        {
            _depth = depth;
        }
    }

    /// <summary>Lets a wait for several objects be ended by the lock, which its task has then; false if it can be had.</summary>
    internal bool TryLink(WaitNode node)
    {
        lock (_room.Gate)
        {
            if (_owner is null || _owner == node.Waiter.Task)
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

    /// <summary>Gives the lock that such a wait was ended by to the next.</summary>
    internal void PassOn()
    {
        lock (_room.Gate)
        {
            HandOn();
        }
    }

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => $"a lock held by {_owner?.ToString() ?? "nobody"}";

    private bool Take(TimeSpan timeout, CancellationToken cancellationToken)
    {
        GreenTask self = Hub.RequireTask();
        lock (_room.Gate)
        {
            if (_owner is null || _owner == self)
            {
                _owner = self;
                _depth++;
                return true;
            }

            if (timeout == TimeSpan.Zero)
            {
                return false;
            }

            _room.Enqueue(self.Waiter, _waiters);
        }

        return _room.Park(self.Waiter, _waiters, HubClock.After(timeout), cancellationToken);
    }

    // To the first that waits, or to nobody. Under the lock.
    private void HandOn()
    {
        Debug.Assert(_room.Gate.IsHeldByCurrentThread);
        _owner = _waiters.WakeOne()?.Waiter.Task;
        _depth = _owner is null ? 0 : 1;
    }

    private SynchronizationLockException NotHeld(GreenTask? self) =>
        new($"The lock is not held by {self?.ToString() ?? "the caller, which is no task"}, but by {_owner?.ToString() ?? "nobody"}.");

    /// <summary>Gives a lock back when it is disposed of.</summary>
    /// <example><code>
    /// Hub.Run(() =&gt;
    /// {
    ///     GreenLock mutex = new();
    ///     using (GreenLock.Scope scope = mutex.EnterScope())
    ///     {
    ///         Console.WriteLine(mutex.IsHeldByCurrentTask); // True
    ///     }
    /// });
    /// </code></example>
    public readonly ref struct Scope
    {
        private readonly GreenLock _lock;

        internal Scope(GreenLock gate)
        {
            _lock = gate;
        }

        /// <summary>Gives it back.</summary>
        public void Dispose() => _lock?.Exit();
    }
}
