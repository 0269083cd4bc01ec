using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Says once, from any thread, that one task may go on: that an answer is there, say. It has no lock and no queue, so it costs less than a
/// <see cref="GreenEvent"/>. Who sets it need be no task, so a wait for it is part of no deadlock.
/// </summary>
/// <remarks>One task waits at a time; the wait may be given up and begun again.</remarks>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenSignal isDone = new();
///     ThreadPool.QueueUserWorkItem(_ =&gt; isDone.Set());
///     isDone.Wait(); // other tasks of the hub go on meanwhile
/// });
/// </code></example>
public sealed class GreenSignal
{
    private Waiter? _waiter;
    private long _version; // of its wait
    private volatile bool _isSet;

    /// <summary>Gets a value indicating whether it is set.</summary>
    public bool IsSet => _isSet;

    /// <summary>Sets it, for ever, and wakes the task that waits. From any thread.</summary>
    public void Set()
    {
        _isSet = true;
        Interlocked.MemoryBarrier(); // who waits does it the other way round: it makes its wait known, then looks
        Volatile.Read(ref _waiter)?.TryWake(Volatile.Read(ref _version), WakeReason.Signalled);
    }

    /// <summary>Waits until it is set.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="InvalidOperationException">Another task waits for it.</exception>
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
        Waiter waiter = Hub.EnterWait().Waiter;
        cancellationToken.ThrowIfCancellationRequested();
        if (_isSet || timeout == TimeSpan.Zero)
        {
            return _isSet;
        }

        long version = waiter.Begin(Hub.SignalText);
        if (Interlocked.CompareExchange(ref _waiter, waiter, null) is not null)
        {
            waiter.Abandon();
            throw new InvalidOperationException("Another task waits for the signal. For several, use a GreenEvent.");
        }

        try
        {
            Interlocked.Exchange(ref _version, version);
            if (_isSet)
            {
                waiter.Abandon();
                return true;
            }

            return waiter.Park(HubClock.After(timeout), isExternal: true, cancellationToken);
        }
        finally
        {
            Volatile.Write(ref _waiter, null);
        }
    }

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => _isSet ? $"{Hub.SignalText} (set)" : Hub.SignalText;
}
