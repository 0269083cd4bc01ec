using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Dispatch;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>A task that runs mailboxes, and after each the handler that it has started. Both may wait: another pump goes on with the
/// mailboxes meanwhile.</summary>
internal sealed class MailboxPump(ActorHub hub) : IGreenTaskObserver
{
    private const int MailboxesBetweenYields = 16;

    [ThreadStatic]
    private static MailboxPump? t_last;

    private SynchronizationContext? _hubContext;
    private ExecutionContext? _context;
    private bool _isInside; // a mailbox
    private bool _hasTurn;
    private bool _isSpent; // its task was killed, or somebody may kill it later, and must not be another handler's
    private ActorCell? _cell; // while it is parked inside one
    private GreenHandler? _next; // was started by the mailbox, and runs when that has returned

    /// <summary>Whether the caller's thread is a hub's that runs mailboxes. Where each task has a thread of its own, whether it is any
    /// task's.</summary>
    public static bool IsHere => t_last is not null || (GreenletRuntime.Backend == GreenletBackend.Threads && Hub.IsInside);

    /// <summary>Gets the pump that runs the caller's mailbox.</summary>
    public static MailboxPump OfThisMailbox => t_last!;

    /// <summary>Gets its task, which it has before this begins.</summary>
    public GreenTask Task { get; set; } = null!;

    /// <summary>The body of its task. Optimized from the first call: it lasts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run()
    {
        t_last = this;
        _hubContext = SynchronizationContext.Current;
        _context = ExecutionContext.Capture();
        try
        {
            while (hub.TryTakeTurn())
            {
                _hasTurn = true;
                do
                {
                    RunMailboxes();
                }
                while (_hasTurn && !_isSpent && !hub.TryEndTurn());
                _hasTurn &= _isSpent;
                if (_isSpent)
                {
                    break;
                }

                hub.AddIdle();
            }
        }
        finally
        {
            PassTurn(); // it was killed
        }
    }

    /// <summary>Lets a handler run when the mailbox has returned.</summary>
    public void RunNext(GreenHandler handler) => _next = handler;

    /// <summary>Gives the thread the cell of the mailbox that it is in. A continuation of Akka's asynchronous handlers must not be caught
    /// by the hub's context.</summary>
    public void GoingOn(GreenTask task)
    {
        if (_isInside && task == Task)
        {
            t_last = this;
            InternalCurrentActorCellKeeper.Current = _cell;
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    /// <summary>Takes the cell from the thread, and lets another pump go on.</summary>
    public void Parked(GreenTask task)
    {
        if (_isInside && task == Task)
        {
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

            _isSpent |= Task.WasHandedOut;
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
        _isInside = true;
        try
        {
            run.Run();
        }
        finally
        {
            _isInside = false;
            SynchronizationContext.SetSynchronizationContext(_hubContext);
            RestoreContext();
        }
    }

    private void RunHandler(GreenHandler handler)
    {
        if (handler.Task.IsCompleted)
        {
            return; // the actor was stopped in the same run of its mailbox
        }

        if (handler.Context is { } context && context != _context)
        {
            ExecutionContext.Restore(context);
        }

        handler.Run(this, Task);
        _isSpent = handler.WasKilled;
        RestoreContext();
        try
        {
            hub.ThrowPending();
        }
        catch (Exception)
        {
            _isSpent = true; // a kill that came too late is not the next handler's
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
