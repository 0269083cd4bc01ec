using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A place where a number of tasks, of any hub, wait for each other, again and again, as <see cref="Barrier"/>.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenBarrier barrier = new(participants: 2);
///     Hub.Spawn(() =&gt; barrier.SignalAndWait());
///     barrier.SignalAndWait(); // both go on together
/// });
/// </code></example>
public sealed class GreenBarrier : IShared
{
    private readonly WaitRoom _room;
    private readonly WaitQueue _waiters = new();
    private int _participants;
    private int _arrived;
    private long _phase;

    /// <summary>Creates a barrier.</summary>
    /// <param name="participants">Gets how many tasks wait for each other.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="participants"/> is zero or negative.</exception>
    public GreenBarrier(int participants)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(participants);
        _room = new WaitRoom(this);
        _participants = participants;
    }

    /// <summary>Gets how many tasks wait for each other.</summary>
    public int ParticipantCount => Volatile.Read(ref _participants);

    /// <summary>Gets how many have not arrived.</summary>
    public int ParticipantsRemaining
    {
        get
        {
            lock (_room.Gate)
            {
                return _participants - _arrived;
            }
        }
    }

    /// <summary>Gets how often all have arrived.</summary>
    public long CurrentPhase => Interlocked.Read(ref _phase);

    WaitRoom IShared.Room => _room;

    void IShared.Forget(WaitNode node) => _arrived--; // the phase goes on: its end would have ended the wait

    /// <summary>Arrives and waits for the others. Who is killed or timed out before all have arrived has not arrived.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and not the last to arrive.</exception>
    public void SignalAndWait() => SignalAndWait(Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="SignalAndWait()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void SignalAndWait(CancellationToken cancellationToken) => SignalAndWait(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="SignalAndWait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long to wait for them at most.</param>
    /// <returns>Whether all have arrived; if not, the caller has not either.</returns>
    public bool SignalAndWait(TimeSpan timeout) => SignalAndWait(timeout, CancellationToken.None);

    /// <inheritdoc cref="SignalAndWait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long to wait for them at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether all have arrived; if not, the caller has not either.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool SignalAndWait(TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        _room.EnterWait(cancellationToken);
        Waiter? waiter = null;
        long phase;
        while (true)
        {
            lock (_room.Gate)
            {
                if (_arrived + 1 >= _participants)
                {
                    NextPhase();
                    return true;
                }

                if (timeout == TimeSpan.Zero)
                {
                    return false;
                }

                if (waiter is not null)
                {
                    _room.Enqueue(waiter, _waiters);
                    _arrived++;
                    phase = _phase;
                    break;
                }
            }

            waiter = Hub.RequireTask().Waiter; // not under the lock
        }

        bool isComplete;
        try
        {
            isComplete = _room.Park(waiter, _waiters, HubClock.After(timeout), cancellationToken);
        }
        catch (OperationCanceledException exception) when (exception.CancellationToken == cancellationToken && cancellationToken.CanBeCanceled && !waiter.HasThrown)
        {
            if (TryWithdraw(phase))
            {
                throw;
            }

            return true; // the last arrived at the same moment
        }
        catch
        {
            TryWithdraw(phase);
            throw;
        }

        // Given up at the moment when the last arrived: then the phase is over all the same.
        return isComplete || !TryWithdraw(phase);
    }

    /// <summary>Adds a participant, from this phase on.</summary>
    public void AddParticipant()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            _participants++;
        }
    }

    /// <summary>Removes a participant; if all others have arrived, they go on.</summary>
    /// <exception cref="InvalidOperationException">All that take part have arrived, or nobody would be left.</exception>
    public void RemoveParticipant()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            if (_participants <= Math.Max(_arrived, 1))
            {
                throw new InvalidOperationException("Nobody takes part who has not arrived, or it is the last.");
            }

            _participants--;
            if (_arrived == _participants)
            {
                NextPhase();
            }
        }
    }

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => $"a barrier ({ParticipantsRemaining} of {ParticipantCount} missing)";

    private bool TryWithdraw(long phase)
    {
        lock (_room.Gate)
        {
            if (phase != _phase)
            {
                return false;
            }

            _arrived--;
            return true;
        }
    }

    private void NextPhase()
    {
        Interlocked.Increment(ref _phase);
        _arrived = 0;
        _waiters.WakeAll();
    }
}
