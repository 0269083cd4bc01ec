using System.Runtime.ExceptionServices;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Event;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>One message that is handled by a task. While it runs, the thread has the actor's cell, and that the message and its
/// sender.</summary>
/// <remarks>It runs where Akka calls it, inside the mailbox. If it waits there, the mailbox is suspended, and goes on without it: others
/// process what comes from the system. When it has ended it takes the mailbox back before it returns.</remarks>
internal abstract class GreenHandler : IGreenTaskObserver
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
    private TaskCompletionSource? _end; // of one that runs when the mailbox has returned
    private GreenEvent? _ended; // for whoever has killed it
    private bool _hasEnded;
    private bool _isAway; // the mailbox goes on without it
    private bool _isGivenUp; // and did not wait for its end
    private bool _isStopped;

    protected GreenHandler(GreenReceiveActor actor, ActorCell cell)
    {
        _actor = actor;
        _cell = cell;
        _message = cell.CurrentMessage!;
        _sender = cell.Sender;
    }

    /// <summary>Whether it leaves nothing that goes on.</summary>
    public bool HasEnded => _hasEnded && _others is not { Count: > 0 };

    /// <summary>Whether its task was killed meanwhile.</summary>
    public bool WasKilled { get; private set; }

    /// <summary>What it has of its sender's surroundings, if it does not run at once.</summary>
    public ExecutionContext? Context { get; private set; }

    /// <summary>Whether the actor was stopped before it began.</summary>
    public bool IsOver => _hasEnded;

    /// <summary>Lets it run when the mailbox has returned, on the caller's hub.</summary>
    /// <returns>A task that completes at its end.</returns>
    public Task RunLater()
    {
        Context = ExecutionContext.Capture();
        _end = new TaskCompletionSource();
        MailboxPump.OfThisMailbox.RunNext(this);
        return _end.Task;
    }

    /// <summary>Kills it, and waits for its <c>finally</c> blocks.</summary>
    /// <param name="grace">How long at most.</param>
    /// <returns>Whether it has ended.</returns>
    public bool Stop(TimeSpan grace)
    {
        _isStopped = true;
        if (_task is null)
        {
            _hasEnded = true; // it does not begin
            _end?.TrySetResult();
        }

        WasKilled = true;
        long start = Environment.TickCount64;
        GreenTask[] others = [.. _others ?? []];
        if (!_hasEnded)
        {
            _ended = new GreenEvent();
            _task!.Kill(timeout: TimeSpan.Zero);
        }

        foreach (GreenTask task in others)
        {
            task.Kill(timeout: TimeSpan.Zero);
        }

        bool hasEnded = _hasEnded || _ended!.Wait(grace);
        foreach (GreenTask task in others)
        {
            TimeSpan left = grace - TimeSpan.FromMilliseconds(Environment.TickCount64 - start);
            hasEnded &= task.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }

        if (!_hasEnded && !_isGivenUp)
        {
            _isGivenUp = true;
            if (_isAway)
            {
                MailboxAccess.Instance.ResumeHere(_cell);
            }

            _end?.TrySetResult();
        }

        return hasEnded;
    }

    /// <summary>Runs it inside the mailbox, which takes its failure.</summary>
    public void RunInside(MailboxPump pump)
    {
        Exception? failure = Run(pump);
        pump.Task.Observer = pump;
        if (_isAway)
        {
            _actor.SetWaiting(null);
            pump.TakeBack(_cell, isResumed: _isGivenUp, hasFailed: failure is not null && !_isStopped);
        }

        if (failure is null)
        {
            return;
        }

        if (_isStopped)
        {
            Tell(failure);
        }
        else
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Runs it after the mailbox. Akka goes on in here: resumes that, or tells the supervisor.</summary>
    public void RunAfter(MailboxPump pump)
    {
        Exception? failure = Run(pump);

        // It keeps the failures of children as long as the mailbox is suspended, and looks for them when a system message has resumed
        // that: then it must be one.
        if (_cell.GetChildren().Any())
        {
            InternalCurrentActorCellKeeper.Current = null;
        }

        if (failure is null)
        {
            _end!.TrySetResult();
        }
        else if (_isStopped)
        {
            Tell(failure);
            _end!.TrySetResult();
        }
        else
        {
            _end!.TrySetException(failure);
        }

        pump.Task.Observer = pump;
    }

    /// <inheritdoc />
    public void GoingOn(GreenTask task)
    {
        if (task == _task)
        {
            if (_end is null && !_isAway)
            {
                return; // it begins, and the mailbox has set all
            }

            _pump!.IsHereAgain();
        }

        InternalCurrentActorCellKeeper.Current = _cell;
        CellAccess.Instance.Set(_cell, _message, _sender);
    }

    /// <inheritdoc />
    public void Parked(GreenTask task)
    {
        if (task == _task && _hasEnded && _end is null)
        {
            return; // it returns into the mailbox
        }

        if (task == _task && !_hasEnded && _end is null && !_isAway)
        {
            _isAway = true;
            _actor.SetWaiting(this);
            _pump!.Leave(_cell);
        }

        CellAccess.Instance.Clear(_cell);
        InternalCurrentActorCellKeeper.Current = null;
        if (task == _task)
        {
            if (!_hasEnded)
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

    private Exception? Run(MailboxPump pump)
    {
        _pump = pump;
        _task = pump.Task;
        _task.Observer = this; // which gives the thread the cell
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

        _hasEnded = true;
        _ended?.Set();
        return failure;
    }

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

    private void Tell(Exception failure) =>
        _cell.System.EventStream.Publish(new Error(failure, _cell.Self.Path.ToString(), _cell.Props.Type, "The handler was killed, and its cleanup threw an exception."));
}
