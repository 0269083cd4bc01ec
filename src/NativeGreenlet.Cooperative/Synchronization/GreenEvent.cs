using System.ComponentModel;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A flag that tasks can wait for. All that wait are woken when it is set. Tasks of several hubs may wait for it,
/// and any thread may set it.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenEvent ready = new();
///     Hub.Spawn(() =&gt;
///     {
///         ready.Wait();
///         Console.WriteLine("go");
///     });
///     ready.Set(); // all that wait go on
/// });
/// </code></example>
public sealed class GreenEvent : IGreenWaitable, IShared
{
    private readonly WaitRoom _room;
    private readonly WaitQueue _waiters = new();
    private volatile bool _isSet;

    /// <summary>Creates an event.</summary>
    /// <param name="isSet">Whether it is set from the beginning.</param>
    public GreenEvent(bool isSet = false)
    {
        _room = new WaitRoom(this);
        _isSet = isSet;
    }

    /// <summary>Gets a value indicating whether it is set.</summary>
    public bool IsSet => _isSet;

    bool IGreenWaitable.IsReady => _isSet;

    WaitRoom IShared.Room => _room;

    /// <summary>Sets it and wakes all that wait. From any thread.</summary>
    public void Set()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            _isSet = true;
            _waiters.WakeAll();
        }
    }

    /// <summary>Resets it: who waits from now on waits for the next <see cref="Set"/>. From any thread.</summary>
    public void Reset()
    {
        _room.Touch();
        _isSet = false;
    }

    /// <summary>Does what <see cref="Reset"/> does, whose former name this is.</summary>
    [Obsolete("Use Reset.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void Clear() => Reset();

    /// <summary>Waits until it is set.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and it is not set.</exception>
    public void Wait() => Wait(Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Wait(CancellationToken cancellationToken) => Wait(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most.</param>
    /// <returns>Whether it was set.</returns>
    public bool Wait(TimeSpan timeout) => Wait(timeout, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether it was set.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        _room.EnterWait(cancellationToken);
        if (_isSet || timeout == TimeSpan.Zero)
        {
            return _isSet;
        }

        Waiter waiter = Hub.RequireTask().Waiter;
        lock (_room.Gate)
        {
            if (_isSet)
            {
                return true;
            }

            _room.Enqueue(waiter, _waiters);
        }

        return _room.Park(waiter, _waiters, HubClock.After(timeout), cancellationToken);
    }

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => _isSet ? "an event (set)" : "an event";

    bool IGreenWaitable.TryLink(WaitNode node)
    {
        lock (_room.Gate)
        {
            if (_isSet)
            {
                return false;
            }

            _waiters.Add(node);
            return true;
        }
    }

    void IGreenWaitable.Unlink(WaitNode node)
    {
        lock (_room.Gate)
        {
            _waiters.Remove(node);
        }
    }
}
