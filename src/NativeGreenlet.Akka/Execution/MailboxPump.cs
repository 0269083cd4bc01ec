using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Dispatch;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>A task that runs mailboxes, and the handlers inside them. Both may wait: another pump goes on with the mailboxes
/// meanwhile.</summary>
internal sealed class MailboxPump(ActorHub hub) : IGreenTaskObserver
{
    private const int MailboxesBetweenYields = 16;

    [ThreadStatic]
    private static MailboxPump? t_last;

    private readonly GreenSemaphore _turn = new(0);
    private SynchronizationContext? _hubContext;
    private ExecutionContext? _context;
    private IRunnable? _inside; // the mailbox that it runs
    private bool _isParked; // inside it, outside of a handler of ReceiveGreen
    private bool _hasTurn;
    private bool _isSpent; // its task was killed, or somebody may kill it later, and must not be another handler's
    private ActorCell? _cell; // while it is parked inside one
    private ActorCell? _suspended; // until its mailbox has returned
    private GreenHandler? _handler; // that runs inside the mailbox
    private GreenHandler? _next; // was started by the mailbox, and runs when that has returned

    /// <summary>Whether the caller's thread is a hub's that runs mailboxes. Where each task has a thread of its own, whether it is any
    /// task's.</summary>
    public static bool IsHere => t_last is not null || (GreenletRuntime.Backend == GreenletBackend.Threads && Hub.IsInside);

    /// <summary>Gets the pump that runs the caller's mailbox.</summary>
    public static MailboxPump OfThisMailbox => t_last!;

    /// <summary>Gets its task, which it has before this begins.</summary>
    public GreenTask Task { get; set; } = null!;

    /// <summary>Gets or sets a value indicating whether it is among the idle ones. The hub's.</summary>
    public bool IsIdle { get; set; }

    /// <summary>Gets or sets a value indicating whether it was given the turn, and has not begun with it. The hub's.</summary>
    public bool HasOffer { get; set; }

    /// <summary>Gets or sets a value indicating whether it is to end, because there are many. The hub's.</summary>
    public bool IsToEnd { get; set; }

    /// <summary>Whether its task is not to be another handler's.</summary>
    private bool IsUsedUp => _isSpent || Task.WasHandedOut || Task.IsLimited;

    /// <summary>The body of its task. Optimized from the first call: it lasts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run()
    {
        t_last = this;
        hub.Enter();
        _hubContext = SynchronizationContext.Current;
        _context = ExecutionContext.Capture();
        bool isAtOnce = false;
        try
        {
            while (!_isSpent && hub.TryTakeTurn(this, isAtOnce))
            {
                _hasTurn = true;
                do
                {
                    RunMailboxes();
                }
                while (_hasTurn && !_isSpent && !hub.TryEndTurn());
                isAtOnce = !_hasTurn; // a handler has waited, and nobody has the turn perhaps
                _hasTurn &= _isSpent;
            }
        }
        finally
        {
            PassTurn(); // it was killed
        }
    }

    /// <summary>Waits until it is woken. In its task.</summary>
    public void WaitForTurn() => _turn.Wait();

    /// <summary>Wakes it.</summary>
    public void Wake() => _turn.Release();

    /// <summary>Runs a handler inside the mailbox that calls it.</summary>
    /// <returns>False if the caller is in another.</returns>
    public bool TryRun(GreenHandler handler, ActorCell cell)
    {
        if (_handler is not null || _inside is null || _inside != cell.Mailbox)
        {
            return false;
        }

        ExecutionContext? context = ExecutionContext.Capture();
        _handler = handler;
        SynchronizationContext.SetSynchronizationContext(_hubContext);
        try
        {
            handler.RunInside(this);
        }
        finally
        {
            _handler = null;
            SynchronizationContext.SetSynchronizationContext(null);
            if (context is not null && ExecutionContext.Capture() != context)
            {
                ExecutionContext.Restore(context);
            }

            InternalCurrentActorCellKeeper.Current = cell; // where tasks are threads, the context has taken it away
            _isSpent |= handler.WasKilled;
            if (IsUsedUp)
            {
                LeaveAfterThis(cell);
            }
        }

        return true;
    }

    /// <summary>Lets a handler run when the mailbox has returned.</summary>
    public void RunNext(GreenHandler handler) => _next = handler;

    /// <summary>The handler inside its mailbox has parked: others may have the mailbox, but for its messages.</summary>
    public void Leave(ActorCell cell)
    {
        MailboxAccess.Instance.Suspend(cell);
        MailboxAccess.Instance.Leave((Mailbox)_inside!, cell);
    }

    /// <summary>The handler has ended: takes the mailbox back, which it goes on with.</summary>
    public void TakeBack(ActorCell cell, bool isResumed, bool hasFailed)
    {
        Mailbox mailbox = (Mailbox)_inside!;
        MailboxAccess access = MailboxAccess.Instance;

        // Somebody stops the actor just now, say. What ends the wait is no other handler's.
        while (!access.TryTake(mailbox))
        {
            if (access.IsClosed(mailbox))
            {
                return;
            }

            try
            {
                hub.WaitForEndOf(mailbox);
            }
            catch (ObjectDisposedException)
            {
                return; // the hub has ended
            }
            catch (Exception)
            {
                _isSpent = true;
            }
        }

        // Not before: the next message must not come before a failure is told, whose restart would kill its handler.
        if (isResumed)
        {
            return;
        }

        if (hasFailed)
        {
            access.ResumeHere(cell);
        }
        else
        {
            access.Resume(cell);
        }
    }

    /// <summary>It goes on inside its handler.</summary>
    public void IsHereAgain() => t_last = this;

    /// <summary>Gives the thread the cell of the mailbox that it is in. A continuation of Akka's asynchronous handlers must not be caught
    /// by the hub's context.</summary>
    public void GoingOn(GreenTask task)
    {
        if (_isParked && task == Task)
        {
            _isParked = false;
            t_last = this;
            InternalCurrentActorCellKeeper.Current = _cell;
            SynchronizationContext.SetSynchronizationContext(_handler is null ? null : _hubContext);
        }
    }

    /// <summary>Takes the cell from the thread, and lets another pump go on.</summary>
    public void Parked(GreenTask task)
    {
        if (_inside is not null && task == Task && (_handler is null || _handler.IsOver))
        {
            _isParked = true;
            _cell = InternalCurrentActorCellKeeper.Current;
            InternalCurrentActorCellKeeper.Current = null;
            SynchronizationContext.SetSynchronizationContext(_hubContext);
            PassTurn();
        }
    }

    /// <summary>Lets another pump go on, if none does.</summary>
    public void PassTurn()
    {
        if (_hasTurn)
        {
            _hasTurn = false;
            hub.PassTurn();
        }
    }

    private void RunMailboxes()
    {
        for (int count = 1; _hasTurn && !_isSpent && hub.TryTake(out IRunnable? run); count++)
        {
            RunOne(run);
            if (_next is { } handler)
            {
                _next = null;
                RunHandler(handler);
            }

            _isSpent |= IsUsedUp;
            if (count % MailboxesBetweenYields == 0 && _hasTurn && !_isSpent)
            {
                Hub.Yield(); // what has been woken has its turn
            }
        }
    }

    private void RunOne(IRunnable run)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        t_last = this;
        _inside = run;
        try
        {
            run.Run();
        }
        finally
        {
            _inside = null;
            SynchronizationContext.SetSynchronizationContext(_hubContext);
            RestoreContext();
            hub.HasRun(run);
            if (_suspended is { } cell)
            {
                _suspended = null;
                MailboxAccess.Instance.Resume(cell);
            }
        }
    }

    private void RunHandler(GreenHandler handler)
    {
        if (handler.IsOver)
        {
            return; // the actor was stopped in the same run of its mailbox
        }

        if (handler.Context is { } context && context != _context)
        {
            ExecutionContext.Restore(context);
        }

        handler.RunAfter(this);
        _isSpent |= handler.WasKilled;
        RestoreContext();
    }

    private void LeaveAfterThis(ActorCell cell)
    {
        if (_suspended is null)
        {
            _suspended = cell;
            MailboxAccess.Instance.Suspend(cell);
        }
    }

    // As between the work items of the thread pool.
    private void RestoreContext()
    {
        if (_context is not null && ExecutionContext.Capture() != _context)
        {
            ExecutionContext.Restore(_context);
        }
    }
}
