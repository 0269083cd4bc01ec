using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Runs tasks, which are greenlets, on one thread: when one waits, another goes on. Code inside is written as if it
/// blocked; what blocks is a greenlet, never the thread.
/// </summary>
/// <remarks>
/// <para>.NET's own asynchronous operations do the work, and their completions wake the task that waits; on Linux the hub
/// waits for connections itself (<c>epoll</c>), between tasks. The hub itself is the greenlet that called
/// <see cref="Run(Action)"/>; it has a queue of tasks that can go on, timers, and an inbox for other threads.</para>
/// <para>Static members mean the hub that the caller is in.</para>
/// <para>While a hub runs on it, a thread has a <see cref="SynchronizationContext"/> that posts to the thread pool: <c>async</c>
/// methods that are called inside continue there, and so do those that await a <see cref="TaskCompletionSource"/> which is
/// completed inside, but for those that were themselves called inside a hub: these go on at once.</para>
/// </remarks>
/// <example><code>
/// Hub.Run(() =>
/// {
///     GreenTask&lt;int&gt; answer = Hub.Spawn(() => { Hub.Sleep(TimeSpan.FromSeconds(1)); return 42; });
///     Console.WriteLine(answer.Result);
/// });
/// </code></example>
public sealed partial class Hub : IDisposable
{
    private static TimeSpan s_deadlockPatience = TimeSpan.FromSeconds(2);
    private static TimeSpan s_shutdownGrace = TimeSpan.FromSeconds(5);

    // On the Threads backend every greenlet has a thread of its own: each task sets it there.
    [ThreadStatic]
    private static Hub? t_hub;

    private Hub(bool isPooled, string? name)
    {
        _isPooled = isPooled;
        Name = name ?? $"hub of thread {Environment.CurrentManagedThreadId}";
        Greenlet = null!;
    }

    /// <summary>
    /// A task ended with an exception that nobody waits for, or a callback threw. The hub goes on in any case. Raised in
    /// the hub's thread; a handler must not wait. Without a handler the exception is written to the standard error.
    /// </summary>
    public event EventHandler<HubUnhandledExceptionEventArgs>? UnhandledException;

    /// <summary>
    /// Every task of a run has waited for <see cref="DeadlockPatience"/> or longer, and the library knows of nobody who will
    /// wake one, but cannot know all: another thread, a timer or an asynchronous method may. Raised in the hub's thread, once
    /// for each time that a run comes to a halt; a handler must not wait. Without a handler a line is written to the standard
    /// error. The event source <c>NativeGreenlet.Cooperative</c> tells it, too.
    /// </summary>
    public event EventHandler<HubDeadlockSuspectedEventArgs>? DeadlockSuspected;

    /// <summary>The hub the caller is in.</summary>
    /// <exception cref="MissingHubException">There is none.</exception>
    public static Hub Current => OfThisThreadOrNull ?? throw new MissingHubException();

    /// <summary>Whether the caller is in a task of a hub, so that it may wait.</summary>
    public static bool IsInside => OfThisThreadOrNull?.CurrentTask is not null;

    /// <summary>
    /// How long every task of a run must have waited before that is called a deadlock (<see cref="GreenDeadlockException"/>),
    /// if it certainly is one, or is suspected to be one (<see cref="DeadlockSuspected"/>); two seconds unless it is set.
    /// </summary>
    /// <remarks>It is certain if the tasks wait for each other's ends and locks; or if they wait for events, queues and the
    /// like and nothing but this hub can run code in the process: no other thread, timer, work of the thread pool, signal that
    /// is listened to, or child process. The latter can be told on Linux only. Nothing is thrown or told while a signal
    /// (<see cref="OnSignal"/>), the token of the run, a <see cref="GreenTimeout"/>, or another thread or run that has used the
    /// object may still wake a task. <see cref="Sleep"/> and waits for .NET tasks are part of no deadlock.</remarks>
    public static TimeSpan DeadlockPatience
    {
        get => s_deadlockPatience;
        set
        {
            HubClock.Check(value, nameof(value));
            s_deadlockPatience = value;
        }
    }

    /// <summary>How long the cleanup of killed tasks may take when the main task has ended, before they are killed again;
    /// after the third time they are given up: who waits for such a task gets an <see cref="InvalidOperationException"/>. Five seconds unless it is set.</summary>
    public static TimeSpan ShutdownGrace
    {
        get => s_shutdownGrace;
        set
        {
            HubClock.Check(value, nameof(value));
            s_shutdownGrace = value;
        }
    }

    /// <summary>Whether tasks keep where they were spawned, for <see cref="Dump"/>. Off unless it is set: a stack trace
    /// costs far more than the task.</summary>
    public static bool KeepsSpawnStacks { get; set; }

    /// <summary>A name for diagnostics.</summary>
    public string Name { get; }

    /// <summary>The managed id of its thread.</summary>
    public int ThreadId { get; private set; }

    /// <summary>
    /// Makes a hub on this thread, runs a main task in it, and returns when that has ended. Tasks that are left then are
    /// killed: their <c>finally</c> blocks run.
    /// </summary>
    /// <param name="main">The main task.</param>
    /// <exception cref="InvalidOperationException">There is a hub on this thread already.</exception>
    /// <exception cref="GreenDeadlockException">Nothing was left that could have woken a task.</exception>
    /// <exception cref="Exception">What left the main task.</exception>
    public static void Run(Action main)
    {
        ArgumentNullException.ThrowIfNull(main);
        RunHere(new GreenTask(main)).ThrowWhatLeftIt();
    }

    /// <inheritdoc cref="Run(Action)"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>What the main task returned.</returns>
    public static T Run<T>(Func<T> main)
    {
        ArgumentNullException.ThrowIfNull(main);
        return ((GreenTask<T>)RunHere(new GreenTask<T>(main))).TakeResult();
    }

    /// <summary>
    /// From <c>async</c> code: runs a main task on one of a few shared hub threads, one for each processor. It and what it
    /// spawns hold no thread while they wait.
    /// </summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="main">The main task.</param>
    /// <param name="cancellation">Makes its next wait throw an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A task that completes when the main task has ended, and all that it spawned.</returns>
    public static Task<T> RunAsync<T>(Func<T> main, CancellationToken cancellation = default) =>
        HubPool.Shared.RunAsync(main, cancellation);

    /// <inheritdoc cref="RunAsync{T}"/>
    public static Task RunAsync(Action main, CancellationToken cancellation = default) =>
        HubPool.Shared.RunAsync(main, cancellation);

    /// <summary>Starts a thread with a hub that lives until it is disposed of, for <see cref="InvokeAsync{T}"/>.</summary>
    /// <param name="name">A name for diagnostics, and for the thread.</param>
    /// <returns>The hub.</returns>
    public static Hub Start(string? name = null) => StartThread(name ?? "hub", isPooled: false);

    /// <summary>Runs a main task in this hub; from any thread.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="main">The main task.</param>
    /// <param name="cancellation">Makes its next wait throw an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A task that completes when the main task has ended, and all that it spawned.</returns>
    /// <exception cref="ObjectDisposedException">The hub has ended.</exception>
    public Task<T> InvokeAsync<T>(Func<T> main, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(main);
        if (cancellation.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellation);
        }

        return InvokedRun<T>.StartAsync(this, main, cancellation);
    }

    /// <inheritdoc cref="InvokeAsync{T}"/>
    public Task InvokeAsync(Action main, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(main);
        return InvokeAsync<object?>(
            () =>
            {
                main();
                return null;
            },
            cancellation);
    }

    /// <summary>Calls something in the hub's thread, between tasks; from any thread. It must not wait.</summary>
    /// <param name="callback">What to call.</param>
    /// <exception cref="ObjectDisposedException">The hub has ended; it will not be called.</exception>
    public void Post(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ObjectDisposedException.ThrowIf(!TryPost(callback), this);
    }

    /// <summary>
    /// Ends the hub: kills all its tasks, whose <c>finally</c> blocks run. Returns when it has ended; called inside the hub
    /// it only asks for it.
    /// </summary>
    /// <exception cref="InvalidOperationException">It belongs to a <see cref="HubPool"/>.</exception>
    public void Dispose()
    {
        if (_isPooled)
        {
            throw new InvalidOperationException("The hub belongs to a pool, as those of RunAsync do; only that can be disposed of. Make one of your own with Hub.Start.");
        }

        Task ended = EndAsync();
        if (OfThisThreadOrNull is not { } here)
        {
            ended.Wait();
        }
        else if (here != this)
        {
            Await(ended);
        }
    }

    /// <summary>Asks it to end. From any thread.</summary>
    internal Task EndAsync()
    {
        TryPostUrgently(StopAll);
        return _endedSource.Task;
    }

    /// <summary>Begins a run in this hub, and tells its owner. From any thread.</summary>
    internal void Begin(HubRun run)
    {
        run.Main.CaptureContext();
        Interlocked.Increment(ref _pendingRuns);
        Schedule(new ReadyEntry(run));
        DrainIfEnded();
    }

    private static GreenTask RunHere(GreenTask main)
    {
        if (OfThisThreadOrNull is not null)
        {
            throw new InvalidOperationException("There is a hub on this thread already. Inside one, start a task: Hub.Spawn(() => ...).Join().");
        }

        Hub hub = new(isPooled: false, name: null);
        SynchronizationContext? context = SynchronizationContext.Current;
        try
        {
            hub.Enter();
            hub._endsWhenIdle = true;
            hub.AddRun(new HubRun(hub, main));
            hub.Loop();
        }
        finally
        {
            hub.Leave();
            SynchronizationContext.SetSynchronizationContext(context);
        }

        return main;
    }

    private void BeginNow(HubRun run)
    {
        IRunOwner owner = run.Owner!;
        if (HasEnded || _isStopping)
        {
            EndPendingRun();
            owner.WasRefused(new ObjectDisposedException(Name, "The hub has ended."));
        }
        else if (owner.Cancellation.IsCancellationRequested)
        {
            EndPendingRun();
            owner.WasRefused(new OperationCanceledException(owner.Cancellation));
        }
        else
        {
            AddRun(run);
            owner.HasBegun();
        }
    }
}
