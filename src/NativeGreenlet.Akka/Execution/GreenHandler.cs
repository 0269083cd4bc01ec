using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Event;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>One message that is handled by a task. While it runs, the thread has the actor's cell, and that the message and its
/// sender.</summary>
internal abstract class GreenHandler : TaskCompletionSource, IGreenTaskObserver
{
    // Where each task has a thread of its own, it carries the cell to those of the tasks that the handler spawns.
    private static readonly AsyncLocal<ActorCell?>? s_cell =
        GreenletRuntime.Backend == GreenletBackend.Threads ? new(static change => InternalCurrentActorCellKeeper.Current = change.CurrentValue) : null;

    private readonly GreenReceiveActor _actor;
    private readonly ActorCell _cell;
    private readonly object _message;
    private readonly IActorRef? _sender;
    private HashSet<GreenTask>? _others; // tasks that it spawned, and that have parked
    private GreenTask? _task; // that which runs it; other handlers', too, before and after
    private MailboxPump? _pump;
    private bool _isStopped;

    protected GreenHandler(GreenReceiveActor actor, ActorCell cell)
    {
        _actor = actor;
        _cell = cell;
        _message = cell.CurrentMessage!;
        _sender = cell.Sender;
    }

    /// <summary>Whether it leaves nothing that goes on.</summary>
    public bool HasEnded => Task.IsCompleted && _others is not { Count: > 0 };

    /// <summary>Whether its task was killed meanwhile.</summary>
    public bool WasKilled { get; private set; }

    /// <summary>What it has of its sender's surroundings.</summary>
    public ExecutionContext? Context { get; private set; }

    /// <summary>Starts it, on the caller's hub. It runs when the mailbox has returned.</summary>
    /// <returns>A task that completes at its end.</returns>
    public Task Start()
    {
        Context = ExecutionContext.Capture();
        MailboxPump.OfThisMailbox.RunNext(this);
        return Task;
    }

    /// <summary>Kills it, and waits for its <c>finally</c> blocks.</summary>
    /// <param name="grace">How long at most.</param>
    /// <returns>Whether it has ended.</returns>
    public bool Stop(TimeSpan grace)
    {
        _isStopped = true;
        if (_task is null)
        {
            TrySetResult(); // it does not begin
        }

        WasKilled = true;
        GreenTask[] all = Task.IsCompleted ? [.. _others ?? []] : [_task!, .. _others ?? []];
        foreach (GreenTask task in all)
        {
            task.Kill(timeout: TimeSpan.Zero);
        }

        long start = Environment.TickCount64;
        bool hasEnded = true;
        foreach (GreenTask task in all)
        {
            TimeSpan left = grace - TimeSpan.FromMilliseconds(Environment.TickCount64 - start);
            hasEnded &= task.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }

        return hasEnded;
    }

    /// <summary>Runs it, in a task.</summary>
    public void Run(MailboxPump pump, GreenTask task)
    {
        _pump = pump;
        _task = task;
        task.Observer = this; // which gives the thread the cell
        s_cell?.Value = _cell;
        Exception? failure = null;
        try
        {
            Handle();
        }
        catch (GreenletExit exit)
        {
            WasKilled = true;
            failure = _isStopped ? null : new InvalidOperationException("The task of the handler was killed before the message was handled.", exit);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        End(failure);
        task.Observer = pump;
        _pump = null;
    }

    /// <inheritdoc />
    public void GoingOn(GreenTask task)
    {
        InternalCurrentActorCellKeeper.Current = _cell;
        CellAccess.Instance.Set(_cell, _message, _sender);
    }

    /// <inheritdoc />
    public void Parked(GreenTask task)
    {
        CellAccess.Instance.Clear(_cell);
        InternalCurrentActorCellKeeper.Current = null;
        if (task == _task)
        {
            if (!Task.IsCompleted)
            {
                _pump!.PassTurn();
            }
        }
        else if (task.IsCompleted)
        {
            _others?.Remove(task);
        }
        else
        {
            AddOther(task);
        }
    }

    /// <summary>Calls the actor's handler.</summary>
    protected abstract void Handle();

    private void AddOther(GreenTask task)
    {
        _others ??= [];
        bool isFirst = _others.Count == 0;
        _others.Add(task);
        if (isFirst && !_actor.TryKeep(this))
        {
            task.Kill(timeout: TimeSpan.Zero); // it has begun when the actor had stopped
        }
    }

    // Akka goes on in here: resumes the mailbox, or tells the supervisor.
    private void End(Exception? failure)
    {
        // It keeps the failures of children as long as the mailbox is suspended, and looks for them when a system message has resumed
        // that: then it must be one.
        if (_cell.GetChildren().Any())
        {
            InternalCurrentActorCellKeeper.Current = null;
        }

        if (failure is null)
        {
            TrySetResult();
        }
        else if (_isStopped)
        {
            _cell.System.EventStream.Publish(new Error(failure, _cell.Self.Path.ToString(), _cell.Props.Type, "The handler was killed, and its cleanup threw an exception."));
            TrySetResult();
        }
        else
        {
            TrySetException(failure);
        }
    }
}
