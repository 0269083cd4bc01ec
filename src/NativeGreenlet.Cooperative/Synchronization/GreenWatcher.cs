using System.Diagnostics.CodeAnalysis;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>One that watches a <see cref="GreenWatch{T}"/>, and remembers what it has seen. One task at a time uses it.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenWatch&lt;string&gt; state = new("starting");
///     GreenWatcher&lt;string&gt; watcher = state.Watch();
///     Hub.Spawn(() =&gt; state.Value = "ready");
///     string reached = watcher.WaitFor(value =&gt; value == "ready");
///     Console.WriteLine(reached);
/// });
/// </code></example>
/// <typeparam name="T">The type of the value.</typeparam>
public sealed class GreenWatcher<T> : IGreenWaitable
{
    private readonly GreenWatch<T> _watch;
    private long _seen;

    internal GreenWatcher(GreenWatch<T> watch, long seen)
    {
        _watch = watch;
        _seen = seen;
    }

    /// <summary>Gets a value indicating whether it was set since this has last seen it.</summary>
    public bool HasChanged
    {
        get
        {
            lock (_watch.Room.Gate)
            {
                return _watch.Version != _seen;
            }
        }
    }

    /// <summary>Gets the value, which counts as seen.</summary>
    public T Value
    {
        get
        {
            lock (_watch.Room.Gate)
            {
                _seen = _watch.Version;
                return _watch.Read();
            }
        }
    }

    bool IGreenWaitable.IsReady => HasChanged;

    /// <summary>Waits until the value was set since this has last seen it.</summary>
    /// <returns>The latest value, which counts as seen.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and it was not set.</exception>
    public T WaitForChange() => WaitForChange(CancellationToken.None);

    /// <inheritdoc cref="WaitForChange()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T WaitForChange(CancellationToken cancellationToken)
    {
        TryWait(null, long.MaxValue, out T? value, cancellationToken);
        return value!;
    }

    /// <summary>Waits until the value was set since this has last seen it, no longer than a time.</summary>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="value">The latest value, which counts as seen.</param>
    /// <returns>Whether it was set.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, and not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and it was not set.</exception>
    public bool WaitForChange(TimeSpan timeout, [MaybeNullWhen(false)] out T value) => WaitForChange(timeout, CancellationToken.None, out value);

    /// <inheritdoc cref="WaitForChange(TimeSpan, out T)" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <param name="value">The latest value, which counts as seen.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool WaitForChange(TimeSpan timeout, CancellationToken cancellationToken, [MaybeNullWhen(false)] out T value)
    {
        HubClock.Check(timeout, nameof(timeout));
        return TryWait(null, timeout == TimeSpan.Zero ? 0 : HubClock.After(timeout), out value, cancellationToken);
    }

    /// <summary>Waits until the value meets a condition; it may do so already.</summary>
    /// <param name="condition">The condition, asked in the caller's task; it must not wait. A value that is overwritten at once may not
    /// be asked about.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>The value that met it, which counts as seen.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="condition"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the value does not meet it.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T WaitFor(Func<T, bool> condition, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(condition);
        TryWait(condition, long.MaxValue, out T? value, cancellationToken);
        return value!;
    }

    /// <summary>Waits until the value meets a condition, no longer than a time.</summary>
    /// <param name="condition">The condition; see <see cref="WaitFor(Func{T, bool}, CancellationToken)"/>.</param>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="value">The value that met it, which counts as seen.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether it met it in time.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="condition"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, and not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the value does not meet it.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool WaitFor(Func<T, bool> condition, TimeSpan timeout, [MaybeNullWhen(false)] out T value, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(condition);
        HubClock.Check(timeout, nameof(timeout));
        return TryWait(condition, timeout == TimeSpan.Zero ? 0 : HubClock.After(timeout), out value, cancellationToken);
    }

    /// <summary>Describes it, for diagnostics.</summary>
    public override string ToString() => "a watcher";

    bool IGreenWaitable.TryLink(WaitNode node)
    {
        lock (_watch.Room.Gate)
        {
            if (_watch.Version != _seen)
            {
                return false;
            }

            _watch.Waiters.Add(node);
            return true;
        }
    }

    void IGreenWaitable.Unlink(WaitNode node)
    {
        lock (_watch.Room.Gate)
        {
            _watch.Waiters.Remove(node);
        }
    }

    // Without a condition: until it has changed.
    private bool TryWait(Func<T, bool>? condition, long due, [MaybeNullWhen(false)] out T value, CancellationToken cancellationToken)
    {
        WaitRoom room = _watch.Room;
        room.EnterWait(cancellationToken);
        bool isNew = condition is not null || HasChanged;
        while (true)
        {
            if (isNew)
            {
                value = Value;
                if (condition?.Invoke(value) ?? true)
                {
                    return true;
                }
            }

            if (due == 0)
            {
                value = default;
                return false;
            }

            Waiter waiter = Hub.RequireTask().Waiter;
            bool isParked = false;
            lock (room.Gate)
            {
                isNew = _watch.Version != _seen;
                if (!isNew)
                {
                    room.Enqueue(waiter, _watch.Waiters);
                    isParked = true;
                }
            }

            if (isParked)
            {
                if (!room.Park(waiter, _watch.Waiters, due, cancellationToken))
                {
                    due = 0; // a last look
                }

                isNew = HasChanged;
            }
        }
    }
}
