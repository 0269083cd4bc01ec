using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Dispatch;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>A task that runs mailboxes. What runs inside of them may wait: other pumps go on meanwhile.</summary>
internal sealed class MailboxPump(ActorHub hub) : IGreenTaskObserver
{
    private const int MailboxesBetweenYields = 16;

    [ThreadStatic]
    private static bool t_isOnHub;

    private GreenTask? _task;
    private SynchronizationContext? _hubContext;
    private ExecutionContext? _context;
    private bool _isInside; // a mailbox
    private bool _hasTurn;
    private ActorCell? _cell; // while it is parked inside one

    /// <summary>Whether the caller's thread is a hub's that runs mailboxes. Where each task has a thread of its own, whether it is any
    /// task's.</summary>
    public static bool IsHere => t_isOnHub || (GreenletRuntime.Backend == GreenletBackend.Threads && Hub.IsInside);

    /// <summary>The body of its task.</summary>
    public void Run()
    {
        t_isOnHub = true;
        _task = Hub.CurrentTask;
        _hubContext = SynchronizationContext.Current;
        _context = ExecutionContext.Capture();
        do
        {
            hub.TakeTurn();
            _hasTurn = true;
            do
            {
                RunMailboxes();
            }
            while (_hasTurn && !hub.TryEndTurn());
            _hasTurn = false;
        }
        while (!hub.HasIdlePump);
    }

    /// <summary>Gives the thread the cell of the mailbox that it is in. A continuation of Akka's asynchronous handlers must not be caught
    /// by the hub's context.</summary>
    public void GoingOn(GreenTask task)
    {
        if (_isInside && task == _task)
        {
            InternalCurrentActorCellKeeper.Current = _cell;
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    /// <summary>Takes the cell from the thread, and lets another pump go on.</summary>
    public void Parked(GreenTask task)
    {
        if (!_isInside || task != _task)
        {
            return;
        }

        _cell = InternalCurrentActorCellKeeper.Current;
        InternalCurrentActorCellKeeper.Current = null;
        SynchronizationContext.SetSynchronizationContext(_hubContext);
        if (_hasTurn)
        {
            _hasTurn = false;
            hub.PassTurn();
        }
    }

    private void RunMailboxes()
    {
        for (int count = 1; _hasTurn && hub.TryTake(out IRunnable? run); count++)
        {
            RunOne(run);
            if (count % MailboxesBetweenYields == 0 && _hasTurn)
            {
                Hub.Yield(); // handlers have their turn
            }
        }
    }

    private void RunOne(IRunnable run)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        _isInside = true;
        try
        {
            run.Run();
        }
        finally
        {
            _isInside = false;
            SynchronizationContext.SetSynchronizationContext(_hubContext);
            if (_context is not null && ExecutionContext.Capture() != _context)
            {
                ExecutionContext.Restore(_context); // as between the work items of the thread pool
            }
        }
    }
}
