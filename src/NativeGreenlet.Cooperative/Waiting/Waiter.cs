using System.Diagnostics;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>
/// The one primitive under everything that waits; every task has one, and uses it again for each wait. A wait has a
/// number. Whoever wants to end it, on whatever thread, must change the state of exactly that wait, and only the first
/// succeeds; so nothing can wake a task out of a later wait, and who lost knows it.
/// </summary>
/// <remarks>As a timer it is the time limit of the wait.</remarks>
internal sealed class Waiter : TimerEntry
{
    private const int PhaseBits = 3;

    private readonly GreenTask _task;
    private long _state; // number of the wait, WakeReason
    private Greenlet? _parked;
    private Exception? _error;
    private WaitCancellation? _spareCancellation;
    private IWaitPlace? _place; // of the current wait, if something can be lost there
    private WaitQueue? _queue;
    private WaitNode? _node;

    public Waiter(GreenTask task)
    {
        _task = task;
    }

    /// <summary>Whose waits these are.</summary>
    public GreenTask Task => _task;

    /// <summary>The ticket for waits in a single queue. Only in the hub's thread; many a task never waits in one.</summary>
    public WaitNode Node => _node ??= new WaitNode(this) { Version = _state >> PhaseBits };

    /// <summary>What the task waits for, for people; null if it does not wait.</summary>
    public object? WaitsFor { get; private set; }

    /// <summary>The greenlet that is parked in the wait; it need not be the task's own.</summary>
    public Greenlet? Parked => _parked;

    /// <summary>Whether its task is in no wait.</summary>
    public bool IsIdle => Phase == WakeReason.None;

    /// <summary>What the current wait is about to throw.</summary>
    public Exception? Undelivered => _error;

    /// <summary>Whether nothing but a signal of other tasks or threads can end the wait.</summary>
    public bool IsOpenEnded { get; private set; }

    /// <summary>When it was parked, as <see cref="HubLoop.LookedAt"/> said.</summary>
    public long ParkedAt { get; set; }

    /// <summary>A continuation for awaited tasks that is free to be used again.</summary>
    public AwaitContinuation? SpareContinuation { get; set; }

    private WakeReason Phase => (WakeReason)(Volatile.Read(ref _state) & ((1 << PhaseBits) - 1));

    /// <summary>Whether the last wait failed although a signal had ended it: what that handed over must go to another.</summary>
    public bool HasLostSignal { get; private set; }

    /// <summary>Whether the last wait ended by an exception that somebody sent into it: a kill, a timeout around it.</summary>
    public bool HasThrown { get; private set; }

    /// <summary>Begins a wait. From here on it can be ended, and <see cref="Park"/> must follow.</summary>
    /// <param name="waitsFor">What it waits for.</param>
    /// <returns>The number of the wait.</returns>
    public long Begin(object waitsFor)
    {
        _task.ThrowPending();
        if (Phase != WakeReason.None)
        {
            throw new InvalidOperationException($"{_task} waits already, for {WaitsFor}. Two greenlets of one task cannot wait at the same time.");
        }

        Debug.Assert(_error is null && _parked is null); // the last wait has ended
        long version = (_state >> PhaseBits) + 1;
        HasLostSignal = false;
        HasThrown = false;
        WaitsFor = waitsFor;
        if (_node is { } node)
        {
            node.Version = version;
        }

        Volatile.Write(ref _state, Pack(version, WakeReason.Waiting));
        return version;
    }

    /// <summary>Begins a wait that a continuation ends.</summary>
    public AwaitContinuation TakeContinuation(object waitsFor)
    {
        long version = Begin(waitsFor);
        AwaitContinuation continuation = SpareContinuation ?? new AwaitContinuation(this);
        SpareContinuation = null;
        continuation.Reset(version);
        return continuation;
    }

    /// <summary>Notes where the wait that has begun can be ended by something that must not be lost.</summary>
    public void EnterPlace(IWaitPlace place, WaitQueue? queue)
    {
        _place = place;
        _queue = queue;
    }

    /// <summary>Its hub has ended, and its task has not: nobody continues it any more. What another thread has handed it goes to the next,
    /// and who comes later finds another to wake. In the hub's thread, at its end.</summary>
    public void Retire()
    {
        (IWaitPlace? place, WaitQueue? queue) = (_place, _queue);
        WakeReason reason = Abandon();
        _error = null; // nobody is there to throw it
        if (reason != WakeReason.None)
        {
            place?.Leave(this, queue, reason == WakeReason.Signalled);
        }
    }

    /// <summary>Takes back a <see cref="Begin"/> that no park follows. Tells how the wait had ended by then, if it had.</summary>
    public WakeReason Abandon()
    {
        WaitsFor = null;
        _place = null;
        _queue = null;
        return (WakeReason)(Interlocked.And(ref _state, ~((1L << PhaseBits) - 1)) & ((1 << PhaseBits) - 1));
    }

    /// <summary>Leaves the stack until the wait is ended. True if it was by a signal, false if by its time limit.</summary>
    /// <param name="due">The time limit, by <see cref="HubClock"/>.</param>
    /// <param name="isExternal">Whether something outside all hubs will end it, so that it is part of no deadlock.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. It is registered only while the wait is parked.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    /// <exception cref="GreenletException">It could not leave its stack, and nothing has ended the wait.</exception>
    /// <exception cref="InvalidSwitchException">Somebody else than the hub switched to it.</exception>
    public bool Park(long due, bool isExternal, CancellationToken cancellationToken = default)
    {
        HubLoop hub = _task.Loop;
        Debug.Assert(WaitsFor is not null); // it has begun
        // Whoever has the source of the token can end the wait, so it is part of no deadlock.
        bool isOpenEnded = due == long.MaxValue && !isExternal && !cancellationToken.CanBeCanceled;
        WaitCancellation? cancellation = null;
        CancellationTokenRegistration registration = default;
        object? waker = null;
        GreenletException? refusal = null;
        WakeReason reason = WakeReason.None;
        hub.Timers.Add(this, due);
        IsOpenEnded = isOpenEnded;
        if (isOpenEnded)
        {
            _task.Run.EnterOpenEndedWait();
        }

        try
        {
            if (cancellationToken.CanBeCanceled)
            {
                cancellation = _spareCancellation ?? new WaitCancellation(this);
                _spareCancellation = null;
                registration = cancellation.Register(_state >> PhaseBits, cancellationToken);
            }

            _parked = Greenlet.Current;
            ParkedAt = hub.LookedAt;
            waker = hub.SwitchOut(_task);
        }
        catch (GreenletException exception) when (exception.Reason == GreenletError.OutOfStacks)
        {
            refusal = exception; // there is no thread record for it, say: it is where it was
        }
        finally
        {
            // Also when the greenlet is killed below us, because nobody refers to it any more.
            _parked = null;
            IsOpenEnded = false;
            hub.Timers.Remove(this);
            if (cancellation is not null && registration.Unregister())
            {
                _spareCancellation = cancellation; // otherwise another thread may be in it
            }

            if (isOpenEnded)
            {
                _task.Run.LeaveOpenEndedWait();
            }

            // From here on nobody can end it any more: who comes later finds another to wake.
            reason = Abandon();
            if (waker != this && refusal is null)
            {
                Fail(reason);
            }
        }

        if (refusal is not null)
        {
            if (reason == WakeReason.Waiting)
            {
                ExceptionDispatchInfo.Throw(refusal);
            }
        }
        else if (waker != this)
        {
            throw new InvalidSwitchException($"{_task} waited, and something other than the hub switched to it. Switch between raw greenlets only within one task, never to one that waits.");
        }

        if (reason == WakeReason.Thrown)
        {
            Exception error = _error!;
            _error = null;
            HasThrown = true;
            ExceptionDispatchInfo.Throw(error);
        }

        if (reason == WakeReason.Cancelled)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        return reason == WakeReason.Signalled;
    }

    /// <summary>Ends a wait, if it still goes on, and lets its task run. From any thread.</summary>
    public bool TryWake(long version, WakeReason reason)
    {
        if (!TryClaim(version, reason))
        {
            return false;
        }

        _task.Loop.Schedule(new ReadyEntry(_task, version));
        return true;
    }

    /// <summary>The token of a wait is cancelled: ends that wait, if it still goes on. From any thread.</summary>
    public bool TryCancel(long version) => TryWake(version, IsTaskCompleted ? WakeReason.Signalled : WakeReason.Cancelled);

    /// <summary>Makes the current wait throw. False if there is none, or it was ended. Only in the hub's thread.</summary>
    public bool TryThrow(Exception error)
    {
        Debug.Assert(HubLoop.OfThisThreadOrNull == _task.Hub.Loop);
        long version = Volatile.Read(ref _state) >> PhaseBits;
        if (IsTaskCompleted)
        {
            TryWake(version, WakeReason.Signalled);
            return false;
        }

        if (!TryClaim(version, WakeReason.Thrown))
        {
            return false;
        }

        _error = error;
        _task.Loop.Schedule(new ReadyEntry(_task, version));
        return true;
    }

    /// <summary>The hub, about to continue the task: whether this is still the wait it was scheduled for. If nothing has
    /// ended that yet, as in a yield, this does.</summary>
    public bool TryResume(long version)
    {
        _task.Loop.AssertIsHere();
        if (Volatile.Read(ref _state) >> PhaseBits != version)
        {
            return false;
        }

        return TryClaim(version, WakeReason.Signalled) || Phase != WakeReason.None;
    }

    /// <summary>Whether its task is parked in that wait, ended or not.</summary>
    public bool IsInWait(long version) => _parked is not null && Volatile.Read(ref _state) >> PhaseBits == version && Phase != WakeReason.None;

    /// <summary>Whether that wait has ended, and its task still has to be told.</summary>
    public bool IsStillToBeResumed(long version) => _parked is not null && _state >> PhaseBits == version && Phase > WakeReason.Waiting;

    /// <summary>The time limit.</summary>
    public override void Fire() => TryWake(_state >> PhaseBits, IsTaskCompleted ? WakeReason.Signalled : WakeReason.TimedOut);

    // The .NET task that is awaited was completed before; a thread of the pool is about to say so.
    private bool IsTaskCompleted => WaitsFor is Task { IsCompleted: true };

    private static long Pack(long version, WakeReason phase) => (version << PhaseBits) | (long)phase;

    // What the wait was given is not lost: what it should throw, it throws the next time; the rest is the owner's business.
    private void Fail(WakeReason reason)
    {
        HasLostSignal = reason == WakeReason.Signalled;
        if (reason == WakeReason.Thrown && _error is { } error)
        {
            _error = null;
            _task.ThrowLater(error);
        }
    }

    private bool TryClaim(long version, WakeReason reason) =>
        Interlocked.CompareExchange(ref _state, Pack(version, reason), Pack(version, WakeReason.Waiting)) == Pack(version, WakeReason.Waiting);
}
