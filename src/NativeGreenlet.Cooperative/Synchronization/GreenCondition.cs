using System.Diagnostics;
using System.ComponentModel;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// A condition of something that a <see cref="GreenLock"/> protects: who finds it not met waits for a change without
/// holding the lock. As <see cref="Monitor.Wait(object)"/> and <see cref="Monitor.Pulse"/>, between tasks of any hub.
/// </summary>
/// <example><code>
/// using (gate.EnterScope())
/// {
///     while (items.Count == 0)
///     {
///         changed.Wait();
///     }
///
///     return items.Dequeue();
/// }
/// </code></example>
public sealed class GreenCondition : IShared
{
    private readonly WaitRoom _room;
    private readonly WaitQueue _waiters = new();

    /// <summary>Creates a condition.</summary>
    /// <param name="gate">The lock that protects it; null for one of its own.</param>
    public GreenCondition(GreenLock? gate = null)
    {
        Gate = gate ?? new GreenLock();
        _room = new WaitRoom(this);
    }

    /// <summary>Gets the lock.</summary>
    public GreenLock Gate { get; }

    WaitRoom IShared.Room => _room;

    void IShared.HandOn(WaitNode node, WaitQueue queue)
    {
        Debug.Assert(_room.Gate.IsHeldByCurrentThread);
        _waiters.WakeOne();
    }

    /// <summary>Gives the lock back, however often it was entered, waits for a pulse, and takes it again; look then
    /// whether the condition is met.</summary>
    /// <exception cref="SynchronizationLockException">The current task does not hold the lock.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public void Wait() => Wait(Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Wait(CancellationToken cancellationToken) => Wait(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long to wait for the signal at most; the lock is waited for without a limit. Zero only lets
    /// others have the lock.</param>
    /// <returns>Whether there was a signal.</returns>
    /// <remarks>Also when the wait ends by a kill, a timeout or the token, the lock is taken again before that goes on. A signal that
    /// came at the same time goes to the next that waits.</remarks>
    public bool Wait(TimeSpan timeout) => Wait(timeout, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long to wait for the signal at most; the lock is waited for without a limit. Zero only lets
    /// others have the lock.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether there was a signal.</returns>
    /// <remarks>Also when the wait ends by a kill, a timeout or the token, the lock is taken again before that goes on. A signal that
    /// came at the same time goes to the next that waits.</remarks>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        GreenTask self = Hub.RequireTask();
        _room.EnterWait(cancellationToken);
        Gate.RequireHeld();
        lock (_room.Gate)
        {
            _room.Enqueue(self.Waiter, _waiters);
        }

        int depth = Gate.ExitWholly();
        bool isSignalled = false;
        Exception? interruption = null;
        try
        {
            isSignalled = _room.Park(self.Waiter, _waiters, HubClock.After(timeout), cancellationToken);
        }
        catch (Exception exception) when (!self.Loop.HasEnded)
        {
            interruption = exception;
        }

        Reacquire(self, depth, ref interruption);
        if (interruption is not null)
        {
            if (isSignalled)
            {
                Pulse();
            }

            ExceptionDispatchInfo.Throw(interruption);
        }

        return isSignalled;
    }

    /// <summary>Wakes one that waits, the one that waited longest. From any thread; hold the lock where it matters that
    /// nobody looks meanwhile.</summary>
    public void Pulse()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            _waiters.WakeOne();
        }
    }

    /// <summary>Wakes all that wait. From any thread.</summary>
    public void PulseAll()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            _waiters.WakeAll();
        }
    }

    /// <summary>Does what <see cref="Pulse"/> does, whose former name this is.</summary>
    [Obsolete("Use Pulse.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void Signal() => Pulse();

    /// <summary>Does what <see cref="PulseAll"/> does, whose former name this is.</summary>
    [Obsolete("Use PulseAll.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void SignalAll() => PulseAll();

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => "a condition";

    /// <summary>Lets a wait for several objects be ended by a pulse.</summary>
    internal void Link(WaitNode node)
    {
        lock (_room.Gate)
        {
            _waiters.Add(node);
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

    /// <summary>Takes the lock after a wait, as often as it was entered before. No kill ends that: what comes meanwhile is what the
    /// caller is to throw.</summary>
    internal void Reacquire(GreenTask self, int depth, ref Exception? interruption)
    {
        long giveUp = long.MaxValue;
        while (!TryReenter(self, depth, ref interruption, out bool isRefused))
        {
            if (!isRefused)
            {
                continue;
            }

            // It cannot leave its stack, so it blocks: the lock is wanted, and what is short now may be there soon.
            giveUp = Math.Min(giveUp, HubClock.After(Hub.GraceOfThisThread));
            if (HubClock.Now >= giveUp)
            {
                break;
            }

            Thread.Sleep(1);
        }
    }

    // Not to be ended by a kill: who called has the lock, and gives it back.
    private bool TryReenter(GreenTask self, int depth, ref Exception? interruption, out bool isRefused)
    {
        isRefused = false;
        try
        {
            Gate.Reenter(depth);
            return true;
        }
        catch (Exception exception) when (!self.Loop.HasEnded)
        {
            interruption ??= exception;
            isRefused = exception is GreenletException;
            return false;
        }
    }
}
