using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// A greenlet that a hub runs. Made by <see cref="Hub.Spawn(Action)"/>. Can be waited for by other tasks
/// (<see cref="Join()"/>), and by <c>async</c> code (<c>await</c>, <see cref="AsTask"/>).
/// </summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenTask ticker = Hub.Spawn(() =&gt;
///     {
///         while (true)
///         {
///             Console.WriteLine("tick");
///             Hub.Sleep(TimeSpan.FromSeconds(1));
///         }
///     });
///     Hub.Sleep(TimeSpan.FromSeconds(3.5));
///     ticker.Kill(); // and waits until its finally blocks have run
/// });
/// </code></example>
[DebuggerDisplay("{ToString(),nq}")]
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The hub ends the greenlet, by killing the task.")]
public class GreenTask : IGreenWaitable
{
    private const int Scheduled = 0;
    private const int Started = 1;
    private const int Completed = 2;

    private const int NotAside = 0;
    private const int Asking = 1; // its gate is being asked
    private const int AskingAgain = 2; // and shall be once more
    private const int Aside = 3;

    private static readonly Func<object?, object?> s_live = Live; // and no lambda: each frame of a parked stack costs each collection
    private static long s_lastId;

    private Action? _body; // null from the start on: what it captured is the body's alone
    private readonly WaitQueue _joiners = new(); // and the lock of what other threads may see
    private ExecutionContext? _context;
    private List<Action<GreenTask>>? _callbacks;
    private TaskCompletionSource? _asTask;
    private Greenlet? _greenlet;
    private TimerEntry? _startTimer;
    private ExceptionDispatchInfo? _error;
    private Exception? _killedBy;
    private Exception? _pendingKill;
    private Exception? _requestedKill; // by another thread
    private IWaitLimit? _limits; // the innermost first
    private volatile bool _mayThrow; // whether a wait must look at these three
    private volatile Action<StackTrace?>? _tellWhereNext; // of all watchdogs that asked
    private volatile int _state;
    private bool _isObserved;
    private int _gatePhase; // of those below
    private long _asideVersion; // of the wait after which it was put aside

    internal GreenTask(Action? body)
    {
        _body = body;
        Waiter = new Waiter(this);
        Id = Interlocked.Increment(ref s_lastId);
    }

    /// <summary>Gets a number that no other task of the process has.</summary>
    public long Id { get; }

    /// <summary>Gets or sets a name for diagnostics.</summary>
    public string? Name { get; set; }

    /// <summary>Gets or sets for whom the task and all others of its run work, for reports: a request, say. Null if nobody has
    /// said.</summary>
    public object? Subject
    {
        get => Run.Subject;
        set => Run.Subject = value;
    }

    /// <summary>Gets a value indicating whether it has ended, however it did.</summary>
    public bool IsCompleted => _state == Completed;

    /// <summary>Gets a value indicating whether it has ended without an error. <see cref="GreenletExit"/>, by which tasks are killed, is no
    /// error.</summary>
    public bool IsSuccessful => IsCompleted && _error is null;

    /// <summary>Gets a value indicating whether it has ended by <see cref="GreenletExit"/>, or was killed before it could start.</summary>
    public bool IsKilled => Exit is not null;

    /// <summary>Gets a value indicating whether its body has begun.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Gets a value indicating whether it is scheduled or has started, and has not ended.</summary>
    public bool IsRunning => !IsCompleted;

    /// <summary>Gets a value indicating whether somebody may have kept it: it was got by <see cref="Hub.CurrentTask"/>, or an event told of
    /// it. A task that does the work of several, one after the other, had better end then: a late <see cref="Kill"/> is for what it did
    /// before.</summary>
    public bool WasHandedOut { get; internal set; }

    /// <summary>Gets a value indicating whether a <see cref="GreenTimeout"/> was begun in it and not disposed of. A task that does the work of
    /// several, one after the other, had better end between two of them then: it is for what it did before.</summary>
    public bool IsLimited => _limits is not null;

    /// <summary>Gets the exception that left its body, if it has ended by an error; else null.</summary>
    public Exception? Exception => _error?.SourceException;

    /// <summary>Gets the stack of its spawn, if <see cref="HubOptions.KeepsSpawnStacks"/> was set then; else null. It is dropped when the task
    /// has ended and its exception was reported.</summary>
    public StackTrace? SpawnStack { get; private set; }

    /// <summary>Gets or sets who is told when the task goes on and when it has parked; null for nobody. Tasks that it spawns from then on have
    /// the same. Set for the task that runs, the observer is told at once that it goes on, and the one before that it has
    /// parked; an <see cref="IGreenTaskGate"/> is asked first, and the task waits here until it may go on.</summary>
    /// <exception cref="InvalidOperationException">It is set outside of the task's hub.</exception>
    public IGreenTaskObserver? Observer
    {
        get;
        set
        {
            if (HubLoop.OfThisThreadOrNull != Loop)
            {
                throw new InvalidOperationException("Only its own hub can change who observes a task. Set it in the task, in its spawner, or by hub.Post(() => task.Observer = ...).");
            }

            IGreenTaskObserver? before = field;
            field = value;
            Gate = value as IGreenTaskGate;
            Loop.ChangeObserver(this, before, value);
        }
    }

    bool IGreenWaitable.IsReady => IsCompleted;

    internal Waiter Waiter { get; }

    /// <summary>Its observer, if that decides when it goes on.</summary>
    internal IGreenTaskGate? Gate { get; private set; }

    /// <summary>Whether its gate has put it aside.</summary>
    internal bool IsAside => Volatile.Read(ref _gatePhase) == Aside;

    internal Hub Hub => Run.Loop.Hub;

    /// <summary>What runs it, once it is scheduled.</summary>
    internal HubLoop Loop => Run.Loop;

    internal RootTask Run { get; private set; } = null!;

    /// <summary>The exit by which it ended.</summary>
    internal GreenletExit? Exit { get; private set; }

    /// <summary>Called once in the hub's thread when it has ended, before anything else runs; must neither wait nor
    /// throw.</summary>
    internal Action<GreenTask>? WhenCompleted { get; set; }

    /// <summary>Whether somebody wants its stack trace when it next waits.</summary>
    internal bool IsAskedWhere => _tellWhereNext is not null;

    /// <summary>Whether somebody has killed it; it may have got over that.</summary>
    internal bool WasKilled => _killedBy is not null;

    /// <summary>Whether its next wait must look whether it has to throw.</summary>
    internal bool MayThrow => _mayThrow;

    /// <summary>Whether it left its stack by a raw switch: it neither runs nor waits, and no wake-up will come.</summary>
    internal bool IsStranded => _state == Started && Waiter.IsIdle && Loop.CurrentTask != this;

    /// <summary>Where the continuations of its body go, if that is asynchronous and its own.</summary>
    internal virtual HubSynchronizationContext? OwnContext => null;

    /// <summary>What its stack has as <see cref="SynchronizationContext"/>; null for the hub's.</summary>
    internal virtual HubSynchronizationContext? StackContext => OwnContext ?? Run.Context;

    internal IWaitLimit? Limits
    {
        get => _limits;
        set
        {
            _limits = value;
            if (value is not null)
            {
                _mayThrow = true;
            }
        }
    }

    /// <summary>Its place among the tasks of its run; -1 once it is none of them.</summary>
    internal int IndexInRun { get; set; } = -1;

    /// <summary>The task's own greenlet, once it has started.</summary>
    internal Greenlet? Greenlet => _greenlet;

    /// <summary>The exception for whoever waits, with its stack trace.</summary>
    internal ExceptionDispatchInfo? Error => _error;

    /// <summary>Waits until the task has ended, however; its exception is not thrown here.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the task has not ended.</exception>
    public void Join() => Join(Timeout.InfiniteTimeSpan);

    /// <inheritdoc cref="Join()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Join(CancellationToken cancellationToken) => Join(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="Join()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most.</param>
    /// <returns>Whether it has ended.</returns>
    public bool Join(TimeSpan timeout) => Join(timeout, CancellationToken.None);

    /// <inheritdoc cref="Join()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether it has ended.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    /// <exception cref="InvalidOperationException">The task waits for its own end.</exception>
    public bool Join(TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        Hub.ThrowPending();
        cancellationToken.ThrowIfCancellationRequested();
        if (IsCompleted || timeout == TimeSpan.Zero)
        {
            return IsCompleted;
        }

        GreenTask self = Hub.RequireTask();
        if (self == this)
        {
            throw new InvalidOperationException($"{this} cannot wait for its own end.");
        }

        lock (_joiners)
        {
            if (IsCompleted)
            {
                return true;
            }

            self.Waiter.Begin(this);
            _joiners.Add(self.Waiter.Node);
        }

        try
        {
            self.Waiter.Park(HubClock.After(timeout), isExternal: false, cancellationToken);
        }
        finally
        {
            Unlink(self.Waiter.Node);
        }

        return IsCompleted;
    }

    /// <summary>
    /// Ends the task: one that has not started never runs; a waiting one gets the exception out of its wait; any other
    /// at its next wait, also if that need not park. Then waits until it has ended. A task that kills itself throws at once.
    /// </summary>
    /// <param name="exception">What to throw; null stands for <see cref="GreenletExit"/>.</param>
    /// <param name="timeout">How long to wait for its end; null for no limit, zero for not at all. Outside of hubs there
    /// is no waiting.</param>
    /// <returns>Whether it has ended.</returns>
    public bool Kill(Exception? exception = null, TimeSpan? timeout = null)
    {
        HubClock.Check(timeout ?? Timeout.InfiniteTimeSpan, nameof(timeout));
        if (IsCompleted)
        {
            return true;
        }

        exception ??= new GreenletExit();
        HubLoop? here = HubLoop.OfThisThreadOrNull;
        if (here?.CurrentTask == this)
        {
            TakePending();
            _killedBy = exception;
            ExceptionDispatchInfo.Throw(exception);
        }

        if (here == Loop)
        {
            KillHere(exception);
        }
        else
        {
            RequestKill(exception);
        }

        // Not to wait at all is no wait: who kills several must come to the last of them.
        return here?.CurrentTask is null || timeout == TimeSpan.Zero ? IsCompleted : Join(timeout ?? Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Gets a .NET task that completes with this one: faulted by its error, canceled if it was killed or ended by an
    /// <see cref="OperationCanceledException"/>.
    /// </summary>
    public Task AsTask() => AsTaskCore();

    /// <summary>Gets what <c>await</c> needs.</summary>
    public TaskAwaiter GetAwaiter() => AsTaskCore().GetAwaiter();

    /// <summary>Calls something in the hub when the task has ended, or soon if it has. It must not wait. If the hub has ended, it
    /// is called in the caller's hub, or else by a thread of the pool.</summary>
    /// <param name="callback">What to call; it gets the task.</param>
    /// <exception cref="ArgumentNullException"><paramref name="callback"/> is null.</exception>
    public void OnCompleted(Action<GreenTask> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (_joiners)
        {
            if (!IsCompleted)
            {
                (_callbacks ??= []).Add(callback);
                return;
            }
        }

        Loop.Tell(Run, () => callback(this));
    }

    /// <summary>Takes back a callback, if the task has not ended.</summary>
    internal void RemoveOnCompleted(Action<GreenTask> callback)
    {
        lock (_joiners)
        {
            _callbacks?.Remove(callback);
        }
    }

    /// <inheritdoc cref="OnCompleted(Action{GreenTask})"/>
    /// <exception cref="ArgumentNullException"><paramref name="callback"/> is null.</exception>
    public void OnCompleted(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        OnCompleted(_ => callback());
    }

    /// <summary>Refuses an asynchronous callback: nobody would wait for what it returns.</summary>
    /// <param name="callback">The callback.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete("A callback runs between tasks and cannot await. Start a task inside it: Hub.Spawn(async () => ...).", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void OnCompleted(Func<Task> callback) => throw new NotSupportedException("A callback cannot await.");

    /// <inheritdoc cref="OnCompleted(Func{Task})"/>
    [Obsolete("A callback runs between tasks and cannot await. Start a task inside it: Hub.Spawn(async () => ...).", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void OnCompleted(Func<GreenTask, Task> callback) => throw new NotSupportedException("A callback cannot await.");

    /// <summary>Calls something that throws in the hub when the task has ended.</summary>
    /// <param name="callback">What to call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="callback"/> is null.</exception>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void OnCompleted(Func<Never> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        OnCompleted(new Action<GreenTask>(_ => callback()));
    }

    /// <inheritdoc cref="OnCompleted(Func{Never})"/>
    /// <exception cref="ArgumentNullException"><paramref name="callback"/> is null.</exception>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void OnCompleted(Func<GreenTask, Never> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        OnCompleted(new Action<GreenTask>(task => callback(task)));
    }

    /// <summary>Lets the gate of a task that it has put aside be asked again, soon, in the hub's thread. Does nothing for any other task; from
    /// any thread, as often as one likes.</summary>
    public void AskGate()
    {
        Interlocked.MemoryBarrier(); // what opens the gate was written before
        while (true)
        {
            int phase = Volatile.Read(ref _gatePhase);
            if (phase is not (Asking or Aside))
            {
                return;
            }

            long version = Volatile.Read(ref _asideVersion);
            if (Interlocked.CompareExchange(ref _gatePhase, phase == Asking ? AskingAgain : NotAside, phase) == phase)
            {
                if (phase == Aside)
                {
                    Loop.Schedule(new ReadyEntry(this, version));
                }

                return;
            }
        }
    }

    /// <summary>Describes the task and its state, for diagnostics.</summary>
    public override string ToString()
    {
        string name = Name is null ? string.Empty : $" '{Name}'";
        string state = _state switch
        {
            Scheduled => "not started",
            Started => "running",
            _ => Exit is not null ? "killed" : _error is null ? "ended" : "failed",
        };
        return string.Create(CultureInfo.InvariantCulture, $"task {Id}{name}, {state}");
    }

    bool IGreenWaitable.TryLink(WaitNode node)
    {
        lock (_joiners)
        {
            if (IsCompleted)
            {
                return false;
            }

            _joiners.Add(node);
            return true;
        }
    }

    void IGreenWaitable.Unlink(WaitNode node) => Unlink(node);

    /// <summary>Its body has the caller's execution context, as a thread or a task would have it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)] // the stack that is kept leaves out this frame
    internal void CaptureContext(HubLoop loop)
    {
        _context = ExecutionContext.Capture();
        if (loop.Options.KeepsSpawnStacks)
        {
            SpawnStack = new StackTrace(1, fNeedFileInfo: true);
        }
    }

    /// <summary>Makes it a task of a run.</summary>
    internal void Attach(RootTask run)
    {
        run.Add(this);
        Run = run;
        if (run.Loop.CurrentTask?.Observer is { } observer)
        {
            Observer = observer;
        }
    }

    internal void Schedule(RootTask run)
    {
        Attach(run);
        run.Loop.Schedule(new ReadyEntry(this, 0));
    }

    internal void ScheduleLater(RootTask run, TimeSpan delay)
    {
        Attach(run);
        _startTimer = new CallbackTimer(() => run.Loop.Schedule(new ReadyEntry(this, 0)));
        run.Loop.Timers.Add(_startTimer, run.Loop.Clock.In(delay));
    }

    /// <summary>The greenlet to switch to, with the task, or null if it was killed before it started.</summary>
    internal Greenlet? TryPrepareStart()
    {
        if (_state != Scheduled)
        {
            return null;
        }

        _greenlet = new Greenlet(s_live, new GreenletOptions { Parent = Loop.Greenlet, Name = Name, ContextFlow = ContextFlow.Empty });
        if (_context is { } context)
        {
            _greenlet.Context = context;
            _context = null;
        }

        return _greenlet;
    }

    /// <summary>Calls something with its stack trace when it next waits, or with null when it ends. From any thread; several may
    /// ask.</summary>
    internal void TellWhereNext(Action<StackTrace?> tell)
    {
        Action<StackTrace?>? before;
        do
        {
            before = _tellWhereNext;
        }
        while (Interlocked.CompareExchange(ref _tellWhereNext, before + tell, before) != before);
    }

    /// <summary>Takes what is to be called with its stack trace.</summary>
    internal Action<StackTrace?>? TakeTellWhere() => Interlocked.Exchange(ref _tellWhereNext, null);

    /// <summary>Asks its gate whether it may start, or go on after that wait. If it may not it is put aside. In its hub's thread.</summary>
    internal bool TryPassGate(long version)
    {
        if (version == 0 ? _state != Scheduled : !Waiter.IsInWait(version))
        {
            return true; // it will not go on: there is nothing to ask
        }

        Volatile.Write(ref _asideVersion, version);
        Interlocked.Exchange(ref _gatePhase, Asking); // before the gate looks: who opens it looks at this afterwards
        if (Loop.AskGate(this))
        {
            Volatile.Write(ref _gatePhase, NotAside);
            return true;
        }

        if (Interlocked.CompareExchange(ref _gatePhase, Aside, Asking) != Asking)
        {
            Volatile.Write(ref _gatePhase, NotAside);
            Loop.Schedule(new ReadyEntry(this, version)); // others first
        }

        return false;
    }

    /// <summary>It could not be started at all. False if it was.</summary>
    internal bool TryFailStart(Exception failure)
    {
        if (_state != Scheduled)
        {
            return false;
        }

        Complete(null, ExceptionDispatchInfo.Capture(failure));
        return true;
    }

    /// <summary>It does not end. For whoever waits it has, by an error. In its hub's thread.</summary>
    internal void GiveUp(Exception error)
    {
        Debug.Assert(HubLoop.OfThisThreadOrNull == Hub.Loop);
        Observe(); // it is told apart
        Complete(null, ExceptionDispatchInfo.Capture(error));
    }

    /// <summary>Kills it, in its hub's thread, without waiting.</summary>
    internal void KillHere(Exception exception)
    {
        Debug.Assert(HubLoop.OfThisThreadOrNull == Hub.Loop);
        switch (_state)
        {
            case Scheduled:
                if (_startTimer is { } timer)
                {
                    Loop.Timers.Remove(timer);
                }

                _killedBy = exception;
                if (exception is GreenletExit exit)
                {
                    Complete(exit, null);
                }
                else
                {
                    Complete(null, ExceptionDispatchInfo.Capture(exception));
                }

                break;

            case Started:
                if (_killedBy is not null && Waiter.Undelivered == _killedBy)
                {
                    break; // it is on its way: its cleanup shall not be killed as well
                }

                _killedBy = exception;
                OwnContext?.Deliver(exception);
                if (Waiter.TryThrow(exception))
                {
                    break;
                }

                if (IsStranded)
                {
                    Loop.PostFor(Run, () => Loop.ThrowInto(this, exception));
                }
                else
                {
                    Pend(exception);
                }

                break;

            default:
                break;
        }
    }

    /// <summary>Kills several, without waiting: the caller, if it is one of them, last, and at its next wait. Tells whether it
    /// is.</summary>
    internal static bool KillAll(IEnumerable<GreenTask> tasks, Exception? exception, bool withCaller = true)
    {
        GreenTask? self = HubLoop.OfThisThreadOrNull?.CurrentTask;
        bool isAmong = false;
        foreach (GreenTask task in tasks)
        {
            isAmong |= task == self;
            if (task != self)
            {
                task.Kill(exception, TimeSpan.Zero);
            }
        }

        if (isAmong && withCaller)
        {
            self!.KillHere(exception ?? new GreenletExit());
        }

        return isAmong;
    }

    /// <summary>Kills it, from any thread: at its next wait, or when its hub comes to it, whatever is first.</summary>
    internal void RequestKill(Exception exception)
    {
        if (Interlocked.CompareExchange(ref _requestedKill, exception, null) is not null)
        {
            return; // it is being killed
        }

        _mayThrow = true;
        Loop.TryPost(() =>
        {
            if (Interlocked.CompareExchange(ref _requestedKill, null, exception) == exception)
            {
                KillHere(exception);
            }
        });
    }

    /// <summary>Lets its next wait throw. In its hub's thread.</summary>
    internal void Pend(Exception exception)
    {
        Debug.Assert(HubLoop.OfThisThreadOrNull == Hub.Loop);
        _killedBy = exception;
        _pendingKill ??= exception;
        _mayThrow = true;
    }

    /// <summary>A wait should have thrown this, and did not return to do it: the next one does.</summary>
    internal void ThrowLater(Exception exception)
    {
        for (IWaitLimit? limit = _limits; limit is not null; limit = limit.Outer)
        {
            if (limit.Owns(exception))
            {
                limit.Pend();
                return;
            }
        }

        _pendingKill ??= exception;
        _mayThrow = true;
    }

    /// <summary>Takes a limit out of those that hold, which need not be the innermost.</summary>
    internal void Remove(IWaitLimit limit)
    {
        if (_limits == limit)
        {
            _limits = limit.Outer;
            return;
        }

        for (IWaitLimit? inner = _limits; inner is not null; inner = inner.Outer)
        {
            if (inner.Outer == limit)
            {
                inner.Outer = limit.Outer;
                return;
            }
        }
    }

    /// <summary>What its next wait would throw is not thrown any more.</summary>
    internal Exception? TakePending()
    {
        Exception? requested = Interlocked.Exchange(ref _requestedKill, null);
        Exception? pending = _pendingKill ?? requested;
        _pendingKill = null;
        return pending;
    }

    /// <summary>Lets its next wait look whether there is something to throw, or to be done first. From any thread.</summary>
    internal void LookAtHub() => _mayThrow = true;

    /// <summary>What every wait begins with, not under a lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EnterWait()
    {
        if (_mayThrow)
        {
            ThrowWhatIsPending();
            Loop.LetOthersAsk(this);
        }
    }

    /// <summary>At the beginning of every wait: throws what could not be thrown at the last one, because that had been ended
    /// by something else, or because the task did not wait.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ThrowPending()
    {
        if (_mayThrow)
        {
            ThrowWhatIsPending();
        }
    }

    /// <summary>How far an exception that ended one of its waits goes up: a kill ends the task, a timeout what is inside of
    /// that; so that of an outer one goes farther.</summary>
    internal int ReachOf(Exception exception)
    {
        int reach = 0;
        for (IWaitLimit? limit = _limits; limit is not null && exception != _killedBy; limit = limit.Outer)
        {
            reach++;
            if (limit.Owns(exception))
            {
                return reach;
            }
        }

        return exception == _killedBy ? int.MaxValue : int.MaxValue - 1;
    }

    /// <summary>Of two exceptions that ended waits of it, the one that goes up farther; the first of two that go as far.</summary>
    internal Exception? Farther(Exception? first, Exception? second) =>
        first is null || (second is not null && ReachOf(second) > ReachOf(first)) ? second : first;

    /// <summary>Whether a <see cref="GreenTimeout"/> that is not due yet will end its wait, or a token may.</summary>
    internal bool HasTimeLimit
    {
        get
        {
            IWaitLimit? limit = _limits;
            while (limit is { IsRunning: false })
            {
                limit = limit.Outer;
            }

            return limit is not null;
        }
    }

    /// <summary>What it waits for, in a list of waiters.</summary>
    internal string Describe() => $"{this}, waits for {Waiter.WaitsFor switch
    {
        null => "nothing",
        Task => "a .NET task",
        var other => other.ToString(),
    }}";

    /// <summary>Somebody else gets its exception: it is not reported as unhandled.</summary>
    internal void Observe() => _isObserved = true;

    /// <summary>For another task: that this one was killed is told as an error. The exit itself would end the other, too, and
    /// nobody would hear of it.</summary>
    internal void ThrowIfFailed()
    {
        if (Exit is { } exit)
        {
            throw new GreenTaskKilledException(this, exit);
        }

        _error?.Throw();
    }

    /// <summary>For whoever called <see cref="Hub.Run(Action, HubOptions)"/>: what left it, be it the exit.</summary>
    internal void ThrowWhatLeftIt()
    {
        if (Exit is { } exit)
        {
            ExceptionDispatchInfo.Throw(exit);
        }

        _error?.Throw();
    }

    /// <summary>Runs the body of a task that is more than an <see cref="Action"/>.</summary>
    private protected virtual void Execute() => throw new UnreachableException();

    /// <summary>Lets go of the body and what it captured. Whoever keeps the task that has ended does not keep them.</summary>
    private protected virtual void DropBody() => _body = null;

    /// <summary>Completes what <see cref="AsTaskCore"/> made.</summary>
    private protected virtual void CompleteAsTask()
    {
        if (_asTask is not { } source)
        {
            return;
        }

        if (IsSuccessful && Exit is null)
        {
            source.TrySetResult();
        }
        else
        {
            Fail(source.TrySetCanceled, source.TrySetException);
        }
    }

    private protected virtual Task AsTaskCore() => AsTaskCore(ref _asTask, static () => new TaskCompletionSource(HubClock.Inside, TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private protected T AsTaskCore<T>(ref T? source, Func<T> create)
        where T : class
    {
        bool isLate;
        lock (_joiners)
        {
            source ??= create();
            isLate = IsCompleted;
            Observe();
        }

        if (isLate)
        {
            CompleteAsTask();
        }

        return source;
    }

    /// <summary>Whether it was killed by this exception last.</summary>
    internal bool IsKilledBy(Exception exception) => exception == _killedBy;

    /// <summary>Throws what it was killed by last: somebody has caught that, and goes on as if it were something else.</summary>
    internal void ThrowKillAgain() => ExceptionDispatchInfo.Throw(_killedBy!);

    /// <summary>Completes a source as this task has ended.</summary>
    internal void PassOn<TResult>(TaskCompletionSource<TResult> source, TResult result)
    {
        if (IsSuccessful && Exit is null)
        {
            source.TrySetResult(result);
        }
        else if (OwnContext is { HasReturned: true } && (Exit ?? Exception) is OperationCanceledException canceled)
        {
            // As an asynchronous method would end: who awaits it gets the same object.
            source.TrySetFromTask(EndCanceledAsync<TResult>(_error ?? ExceptionDispatchInfo.Capture(canceled)));
        }
        else
        {
            Fail(source.TrySetCanceled, source.TrySetException);
        }
    }

    private static async Task<TResult> EndCanceledAsync<TResult>(ExceptionDispatchInfo canceled)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        canceled.Throw();
        return default!;
    }

    private protected void Fail(Func<CancellationToken, bool> cancel, Func<Exception, bool> fail)
    {
        if (Exit is not null)
        {
            cancel(CancellationToken.None);
        }
        else if (Exception is OperationCanceledException canceled)
        {
            cancel(canceled.CancellationToken);
        }
        else
        {
            fail(Exception!);
        }
    }

    // Its life, on its own stack. Nothing happens inside the catch blocks: a stack that parks in one costs more. An action is called
    // right from here, with no frame in between.
    private static object? Live(object? value)
    {
        GreenTask task = (GreenTask)value!;
        HubLoop hub = task.Loop;
        HubLoop? previous = hub.EnterStack(task.StackContext);
        hub.TellEntering(task);
        GreenletExit? exit = null;
        ExceptionDispatchInfo? error = null;
        task.HasStarted = true;
        task._state = Started;
        try
        {
            if (task.TakeBody() is { } body)
            {
                body();
            }
            else
            {
                task.Execute();
            }
        }
        catch (GreenletExit exception)
        {
            exit = exception;
        }
        catch (Exception exception)
        {
            error = ExceptionDispatchInfo.Capture(exception);
        }

        task.Complete(exit, error);
        hub.TellLeaving(task);
        hub.LeaveStack(previous);
        return null;
    }

    private Action? TakeBody()
    {
        Action? body = _body;
        _body = null;
        return body;
    }

    private void Complete(GreenletExit? exit, ExceptionDispatchInfo? error)
    {
        List<Action<GreenTask>>? callbacks = null;
        bool isLate;
        lock (_joiners)
        {
            isLate = IsCompleted;
            if (!isLate)
            {
                Exit = exit;
                _error = error;
                _state = Completed;
                callbacks = _callbacks;
                _callbacks = null;
                _joiners.WakeAll();
            }
        }

        if (isLate)
        {
            Loop.RemoveGivenUp(this); // it has ended after all
            return;
        }

        WhenCompleted?.Invoke(this);
        CompleteAsTask();
        _greenlet = null;
        _limits = null;
        _pendingKill = null;
        _startTimer = null;
        _context = null;
        WhenCompleted = null;
        if (_tellWhereNext is not null)
        {
            TakeTellWhere()?.Invoke(null);
        }

        DropBody();
        callbacks?.ForEach(callback => Loop.Tell(Run, () => callback(this)));
        if (error is not null && !_isObserved && Run.Main != this && error.SourceException != _killedBy)
        {
            Loop.Report(this, error.SourceException);
        }

        SpawnStack = null;
        Run.Remove(this);
    }

    private void ThrowWhatIsPending()
    {
        _mayThrow = _limits is not null;
        Interlocked.MemoryBarrier(); // who requests a kill writes that first, and then says that there is something to look at
        if (_pendingKill is not null || Volatile.Read(ref _requestedKill) is not null)
        {
            _killedBy = TakePending()!;
            ExceptionDispatchInfo.Throw(_killedBy);
        }

        for (IWaitLimit? limit = _limits; limit is not null; limit = limit.Outer)
        {
            limit.ThrowPending();
        }
    }

    private void Unlink(WaitNode node)
    {
        lock (_joiners)
        {
            _joiners.Remove(node);
        }
    }
}
