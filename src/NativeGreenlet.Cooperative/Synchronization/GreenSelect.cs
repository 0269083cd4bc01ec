using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Synchronization.Selection;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// One wait for several things of different kinds that takes from exactly one of them, as Go's <c>select</c>: queues, channels,
/// semaphores, locks, conditions, tasks, .NET tasks and channels, times. If several are ready, one of them is taken at random.
/// </summary>
/// <remarks>
/// <para>The other cases lose nothing: an item stays in its queue, a permit in its semaphore, a sender keeps waiting for another
/// receiver. The same holds when the wait ends by a kill, a timeout or the token.</para>
/// <para>It may be run as often as one likes, by one task at a time. What is given as <c>then</c> runs after the wait, in the
/// caller's task, and may wait itself. Its exception reaches the caller.</para>
/// </remarks>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenQueue&lt;string&gt; work = new();
///     GreenEvent stop = new();
///     bool isRunning = true;
///     GreenSelect next = new GreenSelect()
///         .Receive(work, item =&gt; Console.WriteLine(item))
///         .Wait(stop, () =&gt; isRunning = false)
///         .After(TimeSpan.FromSeconds(10), () =&gt; Console.WriteLine("nothing to do"));
///     Hub.Spawn(() =&gt;
///     {
///         work.Put("one");
///         stop.Set();
///     });
///     while (isRunning)
///     {
///         next.Run();
///     }
/// });
/// </code></example>
public sealed class GreenSelect
{
    private readonly List<SelectCase> _cases = [];
    private readonly List<TimeCase> _times = [];
    private readonly List<SelectCase> _order = []; // those that may end a wait, in the order of the last look
    private readonly SelectWait _wait;
    private GreenCondition? _condition; // one of them: they share a lock
    private DefaultCase? _default;
    private bool _isInUse;

    /// <summary>Creates a select without a case.</summary>
    public GreenSelect()
    {
        _wait = new SelectWait(_cases);
    }

    /// <summary>Gets the number of cases.</summary>
    public int Count => _cases.Count;

    /// <summary>Takes an item out of a queue. A queue that is completed and empty is ready, too.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="queue">The queue, which may be a stack or a priority queue.</param>
    /// <param name="then">Gets the item.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">An argument is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Receive<T>(GreenQueue<T> queue, Action<T> then) => Receive(queue, then, null);

    /// <summary>Takes an item out of a queue, or learns that it is completed and empty.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="queue">The queue, which may be a stack or a priority queue.</param>
    /// <param name="then">Gets the item.</param>
    /// <param name="whenCompleted">Called when the queue is completed and empty, at every run, unless the case is disabled; null:
    /// <see cref="Run"/> throws <see cref="ChannelClosedException"/> then.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">The queue or <paramref name="then"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException">One of the actions is asynchronous.</exception>
    public GreenSelect Receive<T>(GreenQueue<T> queue, Action<T> then, Action? whenCompleted)
    {
        ArgumentNullException.ThrowIfNull(queue);
        Check(then, nameof(then));
        CheckOptional(whenCompleted, nameof(whenCompleted));
        return Add(new QueueReceiveCase<T>(queue, then, whenCompleted));
    }

    /// <summary>Receives an item from a channel. A channel that is completed is ready, too.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="channel">The channel.</param>
    /// <param name="then">Gets the item.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">An argument is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Receive<T>(GreenChannel<T> channel, Action<T> then) => Receive(channel, then, null);

    /// <summary>Receives an item from a channel, or learns that it is completed.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="channel">The channel.</param>
    /// <param name="then">Gets the item.</param>
    /// <param name="whenCompleted">Called when the channel is completed, at every run, unless the case is disabled; null:
    /// <see cref="Run"/> throws <see cref="ChannelClosedException"/> then.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">The channel or <paramref name="then"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException">One of the actions is asynchronous.</exception>
    public GreenSelect Receive<T>(GreenChannel<T> channel, Action<T> then, Action? whenCompleted)
    {
        ArgumentNullException.ThrowIfNull(channel);
        Check(then, nameof(then));
        CheckOptional(whenCompleted, nameof(whenCompleted));
        return Add(new ChannelReceiveCase<T>(channel, then, whenCompleted));
    }

    /// <summary>Reads an item from a channel of .NET. One that is completed and empty is ready, too.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The reader of the channel.</param>
    /// <param name="then">Gets the item.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">An argument is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Receive<T>(ChannelReader<T> reader, Action<T> then) => Receive(reader, then, null);

    /// <summary>Reads an item from a channel of .NET, or learns that it is completed and empty.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The reader of the channel.</param>
    /// <param name="then">Gets the item.</param>
    /// <param name="whenCompleted">Called when the channel is completed and empty, at every run, unless the case is disabled; null:
    /// <see cref="Run"/> throws <see cref="ChannelClosedException"/> then.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">The reader or <paramref name="then"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException">One of the actions is asynchronous.</exception>
    public GreenSelect Receive<T>(ChannelReader<T> reader, Action<T> then, Action? whenCompleted)
    {
        ArgumentNullException.ThrowIfNull(reader);
        Check(then, nameof(then));
        CheckOptional(whenCompleted, nameof(whenCompleted));
        return Add(new ReaderCase<T>(reader, then, whenCompleted));
    }

    /// <summary>Receives an item of a broadcast. One that is completed is ready, too.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="subscription">The subscription. If it lags, <see cref="Run"/> throws <see cref="GreenLaggedException"/>.</param>
    /// <param name="then">Gets the item.</param>
    /// <param name="whenCompleted">Called when the broadcast is completed and all was received; null: <see cref="Run"/> throws
    /// <see cref="ChannelClosedException"/> then.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">The subscription or <paramref name="then"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException">One of the actions is asynchronous.</exception>
    public GreenSelect Receive<T>(GreenSubscription<T> subscription, Action<T> then, Action? whenCompleted = null)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        Check(then, nameof(then));
        CheckOptional(whenCompleted, nameof(whenCompleted));
        return Add(new SubscriptionCase<T>(subscription, then, whenCompleted));
    }

    /// <summary>Looks at the next item of a queue, which stays there. A queue that is completed and empty is ready, too.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="queue">The queue.</param>
    /// <param name="then">Gets the item.</param>
    /// <param name="whenCompleted">Called when the queue is completed and empty; null: <see cref="Run"/> throws
    /// <see cref="ChannelClosedException"/> then.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">The queue or <paramref name="then"/> is null.</exception>
    /// <exception cref="ArgumentException">One of the actions is asynchronous.</exception>
    public GreenSelect Peek<T>(GreenQueue<T> queue, Action<T> then, Action? whenCompleted = null)
    {
        ArgumentNullException.ThrowIfNull(queue);
        Check(then, nameof(then));
        CheckOptional(whenCompleted, nameof(whenCompleted));
        return Add(new QueuePeekCase<T>(queue, then, whenCompleted));
    }

    /// <summary>Hands an item to who receives from a channel. One that is completed is ready, too: <see cref="Run"/> throws
    /// <see cref="ChannelClosedException"/> then.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="channel">The channel.</param>
    /// <param name="value">The item; every run that takes this case sends it.</param>
    /// <param name="then">Called when it was received.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">The channel is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Send<T>(GreenChannel<T> channel, T value, Action? then = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        CheckOptional(then, nameof(then));
        return Add(new ChannelSendCase<T>(channel, value, then));
    }

    /// <summary>Puts an item into a queue, when there is room. One that is completed is ready, too: <see cref="Run"/> throws
    /// <see cref="ChannelClosedException"/> then.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="queue">The queue.</param>
    /// <param name="value">The item; every run that takes this case puts it in.</param>
    /// <param name="then">Called when it was put in.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">The queue is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Send<T>(GreenQueue<T> queue, T value, Action? then = null)
    {
        ArgumentNullException.ThrowIfNull(queue);
        CheckOptional(then, nameof(then));
        return Add(new QueueSendCase<T>(queue, value, then));
    }

    /// <summary>Writes an item to a channel of .NET, when there is room. One that is completed is ready, too: <see cref="Run"/> throws
    /// <see cref="ChannelClosedException"/> then.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="writer">The writer of the channel.</param>
    /// <param name="value">The item; every run that takes this case writes it.</param>
    /// <param name="then">Called when it was written.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">The writer is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Send<T>(ChannelWriter<T> writer, T value, Action? then = null)
    {
        ArgumentNullException.ThrowIfNull(writer);
        CheckOptional(then, nameof(then));
        return Add(new WriterCase<T>(writer, value, then));
    }

    /// <summary>Waits until something is ready: a task has ended, however, an event is set. Nothing is taken from it.</summary>
    /// <param name="waitable">A task, an event, a countdown, a completion source.</param>
    /// <param name="then">Called when it is ready, or was at some moment of the wait.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="waitable"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Wait(IGreenWaitable waitable, Action? then = null)
    {
        ArgumentNullException.ThrowIfNull(waitable);
        CheckOptional(then, nameof(then));
        return Add(new WaitableCase(waitable, then));
    }

    /// <summary>Waits until a task has ended, and gets its result. If it failed or was killed, <see cref="Run"/> throws what
    /// <see cref="GreenTask{T}.Result"/> would.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="task">The task. Its exception is the select's from now on: it is not reported as unhandled.</param>
    /// <param name="then">Gets the result.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">An argument is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Wait<T>(GreenTask<T> task, Action<T> then)
    {
        ArgumentNullException.ThrowIfNull(task);
        Check(then, nameof(then));
        task.Observe();
        return Add(new WaitableCase(task, () => then(task.Result)));
    }

    /// <summary>Takes a permit of a semaphore. The caller gives it back.</summary>
    /// <param name="semaphore">The semaphore.</param>
    /// <param name="then">Called when the caller has it.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="semaphore"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Wait(GreenSemaphore semaphore, Action? then = null)
    {
        ArgumentNullException.ThrowIfNull(semaphore);
        CheckOptional(then, nameof(then));
        return Add(new SemaphoreCase(semaphore, then));
    }

    /// <summary>Waits for a pulse of a condition. The caller holds its lock: it is free during the wait, however that ends, and the
    /// caller has it again when <paramref name="then"/> is called, of this case or another.</summary>
    /// <param name="condition">The condition. Several in one select must have the same lock.</param>
    /// <param name="then">Called after a pulse; look then whether the condition is met.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="condition"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous, or another condition has another lock.</exception>
    public GreenSelect Wait(GreenCondition condition, Action? then = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        CheckOptional(then, nameof(then));
        if (_condition is { } other && other.Gate != condition.Gate)
        {
            throw new ArgumentException("The conditions of one select must have the same lock: create them with new GreenCondition(gate).", nameof(condition));
        }

        _condition = condition;
        return Add(new ConditionCase(condition, then));
    }

    /// <summary>Takes a lock. The caller gives it back.</summary>
    /// <param name="gate">The lock.</param>
    /// <param name="then">Called when the caller has it.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="gate"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Enter(GreenLock gate, Action? then = null)
    {
        ArgumentNullException.ThrowIfNull(gate);
        CheckOptional(then, nameof(then));
        return Add(new LockCase(gate, then));
    }

    /// <summary>Waits until a .NET task has completed. What it threw is thrown by <see cref="Run"/>.</summary>
    /// <param name="task">The task. If another case is taken it goes on.</param>
    /// <param name="then">Called when it has completed without an error.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="task"/> is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Await(Task task, Action? then = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        CheckOptional(then, nameof(then));
        return Add(new TaskCase(task, then ?? (() => { })));
    }

    /// <summary>Waits until a .NET task has completed, and gets its result. What it threw is thrown by <see cref="Run"/>.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="task">The task. If another case is taken it goes on.</param>
    /// <param name="then">Gets the result.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentNullException">An argument is null. To switch a case off: <see cref="Disable(int)"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Await<T>(Task<T> task, Action<T> then)
    {
        ArgumentNullException.ThrowIfNull(task);
        Check(then, nameof(then));
        return Add(new TaskCase(task, () => then(task.GetAwaiter().GetResult())));
    }

    /// <summary>Ends the wait after a time, counted from the beginning of each run, if nothing else was ready.</summary>
    /// <param name="timeout">The time; zero looks once, <see cref="Timeout.InfiniteTimeSpan"/> never ends it. Of several the shortest
    /// counts.</param>
    /// <param name="then">Called when the time is up.</param>
    /// <returns>This select.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, and not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect After(TimeSpan timeout, Action? then = null)
    {
        HubClock.Check(timeout, nameof(timeout));
        CheckOptional(then, nameof(then));
        TimeCase time = new(timeout, then);
        _times.Add(time);
        return Add(time);
    }

    /// <summary>Adds a case that is taken if nothing else is ready: the select does not wait then.</summary>
    /// <param name="then">Called if nothing was ready.</param>
    /// <returns>This select.</returns>
    /// <exception cref="InvalidOperationException">There is such a case already.</exception>
    /// <exception cref="ArgumentException"><paramref name="then"/> is asynchronous.</exception>
    public GreenSelect Default(Action? then = null)
    {
        CheckOptional(then, nameof(then));
        if (_default is not null)
        {
            throw new InvalidOperationException("The select has a default already; it can have one.");
        }

        _default = new DefaultCase(then);
        return Add(_default);
    }

    /// <summary>Switches a case off until <see cref="Enable(int)"/>: it is as a <c>nil</c> channel in Go.</summary>
    /// <param name="index">Which, in the order added.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such case.</exception>
    public void Disable(int index) => CaseAt(index).IsEnabled = false;

    /// <summary>Switches a case on again.</summary>
    /// <param name="index">Which, in the order added.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such case.</exception>
    public void Enable(int index) => CaseAt(index).IsEnabled = true;

    /// <summary>Waits until one of the cases is ready, takes it, and calls what was given for it.</summary>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Which one: its number in the order added, from 0.</returns>
    /// <exception cref="InvalidOperationException">There is no case, or all are switched off; or another task runs this select.</exception>
    /// <exception cref="ChannelClosedException">What was taken is completed, and nothing was given for that.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and none is ready.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    /// <exception cref="SynchronizationLockException">The current task does not hold the lock of a condition.</exception>
    /// <exception cref="Exception">What the action of the case threw, or the task that it waited for.</exception>
    public int Run(CancellationToken cancellationToken = default)
    {
        if (!_cases.Exists(each => each.IsEnabled))
        {
            throw new InvalidOperationException(_cases.Count == 0
                ? "The select has no case, so it would wait for ever. Add one: Receive, Send, Wait, After, Default."
                : "All cases of the select are disabled, so it would wait for ever. Enable one.");
        }

        if (Interlocked.Exchange(ref _isInUse, true))
        {
            throw new InvalidOperationException("Another task runs this select. Give each task a select of its own.");
        }

        SelectCase taken;
        try
        {
            taken = Choose(cancellationToken);
        }
        finally
        {
            Volatile.Write(ref _isInUse, false);
        }

        taken.CallThen();
        return taken.Index;
    }

    /// <summary>Describes it, for diagnostics.</summary>
    public override string ToString() => $"a select of {_cases.Count}";

    private static void Check(Delegate then, string parameter)
    {
        ArgumentNullException.ThrowIfNull(then, parameter);
        if (then.Method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false))
        {
            throw new ArgumentException("The action is asynchronous, and nobody would await it. Wait inside it by Hub.Await, or start a task: Hub.Spawn(async () => ...).", parameter);
        }
    }

    private static void CheckOptional(Delegate? then, string parameter)
    {
        if (then is not null)
        {
            Check(then, parameter);
        }
    }

    private GreenSelect Add(SelectCase added)
    {
        added.Index = _cases.Count;
        _cases.Add(added);
        if (added is not (TimeCase or DefaultCase))
        {
            _order.Add(added);
        }

        return this;
    }

    private SelectCase CaseAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _cases.Count);
        return _cases[index];
    }

    private SelectCase Choose(CancellationToken cancellationToken)
    {
        Hub.ThrowPending();
        cancellationToken.ThrowIfCancellationRequested();
        GreenLock? gate = _order.Exists(each => each is ConditionCase { IsEnabled: true }) ? _condition!.Gate : null;
        gate?.RequireHeld();
        (TimeCase? time, long due) = FirstTime();
        while (true)
        {
            // Each is asked in turn, and takes at once: nothing that is not taken has been touched.
            Random.Shared.Shuffle(CollectionsMarshal.AsSpan(_order));
            foreach (SelectCase each in _order)
            {
                if (each.IsEnabled && each.TryTake())
                {
                    return each;
                }
            }

            if (_default is { IsEnabled: true })
            {
                return _default;
            }

            if (due == 0)
            {
                return time!;
            }

            if (Park(Hub.RequireTask(), gate, ref due, cancellationToken) is { } taken)
            {
                return taken;
            }
        }
    }

    // Of the times that take part the first, and when it is up; 0 if it is.
    private (TimeCase? Time, long Due) FirstTime()
    {
        TimeCase? first = null;
        foreach (TimeCase time in _times)
        {
            if (time.IsEnabled && time.Timeout != Timeout.InfiniteTimeSpan && (first is null || time.Timeout < first.Timeout))
            {
                first = time;
            }
        }

        return (first, first is null ? long.MaxValue : first.Timeout == TimeSpan.Zero ? 0 : HubClock.After(first.Timeout));
    }

    // Waits once. The case that it was ended by; null, to look again, if there was something to take before it could begin, or if
    // it is gone again, or the time is up.
    private SelectCase? Park(GreenTask self, GreenLock? gate, ref long due, CancellationToken cancellationToken)
    {
        Waiter waiter = self.Waiter;
        long version = waiter.Begin(_wait);
        waiter.EnterPlace(_wait, null);
        int linked = 0;
        int depth = 0;
        bool isParked = false;
        bool isOver = false;
        SelectCase? chosen = null;
        Exception? interruption = null;
        try
        {
            bool isReady = false;
            bool isExternal = _times.Exists(time => time.IsEnabled); // also one that never comes: who gave it did not mean a deadlock
            for (; linked < _order.Count && !isReady; linked += isReady ? 0 : 1)
            {
                SelectCase each = _order[linked];
                if (each.IsEnabled)
                {
                    each.Begin(waiter, _wait, version);
                    isReady = !each.TryLink();
                    isExternal |= each.IsExternal;
                }
            }

            if (!isReady)
            {
                depth = gate?.ExitWholly() ?? 0;
                isParked = true;
                if (!waiter.Park(due, isExternal, cancellationToken))
                {
                    due = 0; // a last look
                }
            }

            isOver = true;
        }
        catch (Exception exception) when (depth != 0 && !self.Loop.HasEnded)
        {
            interruption = exception; // the lock comes first
        }
        finally
        {
            if (!isParked)
            {
                waiter.Abandon();
            }

            chosen = Unlink(linked);
            if (!isOver)
            {
                chosen?.HandOn();
                chosen = null;
            }
        }

        if (depth != 0)
        {
            _condition!.Reacquire(self, depth, ref interruption);
            if (interruption is not null)
            {
                chosen?.HandOn();
                ExceptionDispatchInfo.Throw(interruption);
            }
        }

        return chosen is not null && chosen.TryRedeem() ? chosen : null;
    }

    // After this nobody knows of the wait any more, and who ended it has left its lock.
    private SelectCase? Unlink(int linked)
    {
        SelectCase? chosen = null;
        for (int i = 0; i < linked; i++)
        {
            SelectCase each = _order[i];
            if (each.IsEnabled)
            {
                each.Unlink();
                if (each.IsChosen)
                {
                    chosen = each;
                }
            }
        }

        return chosen;
    }
}
