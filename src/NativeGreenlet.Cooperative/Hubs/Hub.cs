using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Runs tasks, which are greenlets, on one thread: when one waits, another goes on. Code inside is written as if it
/// blocked; what blocks is a greenlet, never the thread.
/// </summary>
/// <remarks>
/// <para>.NET's own asynchronous operations do the work, and their completions wake the task that waits; on Linux the hub
/// waits for connections itself (<c>epoll</c>), between tasks. The hub itself is the greenlet that called
/// <see cref="Run(Action, HubOptions)"/>; it has a queue of tasks that can go on, timers, and an inbox for other threads.</para>
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
    private readonly bool _isPooled;
    private readonly Lock _starting = new();
    private volatile bool _hasThread;

    /// <summary>Creates a hub whose thread is started when the hub is first needed, so that handlers can be added to its
    /// events before.</summary>
    /// <param name="options">How it behaves; null for the defaults.</param>
    public Hub(HubOptions? options = null)
        : this(options, isPooled: false, name: "hub")
    {
    }

    private Hub(HubOptions? options, bool isPooled, string name)
    {
        HubOptions own = (options ?? HubOptions.Default).Copy();
        _isPooled = isPooled;
        Name = own.Name ?? name;
        Loop = new HubLoop(this, own);
    }

    /// <summary>
    /// Occurs when a task has ended with an exception that nobody waits for, or a callback threw. The hub goes on in any
    /// case. Raised in the hub's thread; a handler must not wait. Without a handler the exception is written to the standard error.
    /// </summary>
    public event EventHandler<HubUnhandledExceptionEventArgs>? UnhandledException;

    /// <summary>
    /// Occurs when every task of a run has waited for <see cref="HubOptions.DeadlockPatience"/> or longer, and the library
    /// knows of nobody who will wake one, but cannot know all: another thread, a timer or an asynchronous method may. Raised
    /// in the hub's thread, once for each time that a run comes to a halt; a handler must not wait. Without a handler a line
    /// is written to the standard error. The event source <c>NativeGreenlet.Cooperative</c> tells it, too.
    /// </summary>
    public event EventHandler<HubDeadlockSuspectedEventArgs>? DeadlockSuspected;

    /// <summary>
    /// Occurs when a wait of .NET blocks the hub's thread, once for each place of a hub that reports or parks them
    /// (<see cref="HubOptions.BlockingWaits"/>). Raised in the hub's thread, in the task that is about to block; a handler must not wait.
    /// The event source <c>NativeGreenlet.Cooperative</c> tells it, too.
    /// </summary>
    public event EventHandler<HubBlockingWaitEventArgs>? BlockingWait;

    /// <summary>Gets the hub the caller is in.</summary>
    /// <exception cref="MissingHubException">There is none.</exception>
    public static Hub Current => OfThisThreadOrNull ?? throw new MissingHubException();

    /// <summary>Gets whether the caller is in a task of a hub, so that it may wait.</summary>
    public static bool IsInside => HubLoop.OfThisThreadOrNull?.CurrentTask is not null;

    /// <summary>Gets the task the caller is in.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="BlockingSwitchOutException">The caller is a callback in a hub, and in no task.</exception>
    public static GreenTask CurrentTask
    {
        get
        {
            GreenTask task = RequireTask();
            task.WasHandedOut = true;
            return task;
        }
    }

    /// <summary>Gets a name for diagnostics.</summary>
    public string Name { get; }

    /// <summary>Gets what it does about waits of .NET in its tasks (<see cref="HubOptions.BlockingWaits"/>), and if it can park none, or not
    /// all, why.</summary>
    public string Description => BlockedWaits.Describe(Loop);

    /// <summary>Gets the managed id of its thread; 0 before that is started.</summary>
    public int ThreadId => Loop.ThreadId;

    /// <summary>Gets how many tasks have not ended; as of a moment ago for other threads.</summary>
    public int TaskCount => Loop.TaskCount;

    /// <summary>What the hub does.</summary>
    internal HubLoop Loop { get; }

    /// <summary>The caller's hub.</summary>
    internal static Hub? OfThisThreadOrNull => HubLoop.OfThisThreadOrNull?.Hub;

    /// <summary>How long what was cancelled or killed has to end, by the options of the caller's hub.</summary>
    internal static TimeSpan GraceOfThisThread => (HubLoop.OfThisThreadOrNull?.Options ?? HubOptions.Default).ShutdownGrace;

    internal bool HasEnded => Loop.HasEnded;

    /// <summary>Gets or sets whether its owner reports what goes wrong in it, such as a task that blocks it: whoever watches all hubs of a
    /// process need not.</summary>
    public bool IsReported { get; set; }

    /// <summary>Runs that go on or wait to begin; from any thread.</summary>
    internal int PendingRuns => Loop.PendingRuns;

    internal Poller? Poller => Loop.Poller;

    internal IReadOnlyCollection<RootTask> Runs => Loop.Runs;

    /// <summary>
    /// Makes a hub on this thread, runs a main task in it, and returns when that has ended. Tasks that are left then are
    /// killed: their <c>finally</c> blocks run.
    /// </summary>
    /// <param name="main">The main task.</param>
    /// <param name="options">How the hub behaves; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="InvalidOperationException">There is a hub on this thread already.</exception>
    /// <exception cref="GreenDeadlockException">Nothing was left that could have woken a task.</exception>
    /// <exception cref="Exception">What left the main task.</exception>
    public static void Run(Action main, HubOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(main);
        RunHere(new GreenTask(main), options).ThrowWhatLeftIt();
    }

    /// <inheritdoc cref="Run(Action, HubOptions)" path="/*[not(self::typeparam or self::returns)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>What the main task returned.</returns>
    public static T Run<T>(Func<T> main, HubOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(main);
        return RunHere(new GreenTask<T>(main), options).TakeResult();
    }

    /// <summary>Runs a hub as <see cref="Run(Action, HubOptions)"/> does, with an asynchronous main task, which ends when what it returned has
    /// completed. What comes after an <c>await</c> is in the hub, too, and may wait there.</summary>
    /// <param name="main">The main task.</param>
    /// <param name="options">How the hub behaves; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="InvalidOperationException">There is a hub on this thread already.</exception>
    /// <exception cref="GreenDeadlockException">Nothing was left that could have woken a task.</exception>
    /// <exception cref="Exception">What left the main task.</exception>
    /// <example><code>
    /// Hub.Run(async () =>
    /// {
    ///     await File.WriteAllTextAsync("greeting.txt", "hello");
    ///     Hub.Sleep(TimeSpan.FromSeconds(1));
    /// });
    /// </code></example>
    public static void Run(Func<Task> main, HubOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(main);
        RunHere(new AsyncGreenTask(main), options).ThrowWhatLeftIt();
    }

    /// <inheritdoc cref="Run(Func{Task}, HubOptions)" path="/*[not(self::typeparam or self::returns)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>The result of what the main task returned.</returns>
    [OverloadResolutionPriority(1)] // of a body that only throws: the task's result is the result
    public static T Run<T>(Func<Task<T>?> main, HubOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(main);
        return RunHere(new AsyncGreenTask<T>(main), options).TakeResult();
    }

    /// <summary>
    /// Runs a main task on one of a few shared hub threads, one for each processor, for a caller in <c>async</c> code. The
    /// task and what it spawns hold no thread while they wait.
    /// </summary>
    /// <param name="main">The main task.</param>
    /// <param name="cancellationToken">Makes its next wait throw an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A task that completes when the main task has ended, and all that it spawned.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="OutOfMemoryException">There is no thread for the hub.</exception>
    public static Task RunAsync(Action main, CancellationToken cancellationToken = default) =>
        HubPool.Shared.RunAsync(main, cancellationToken);

    /// <inheritdoc cref="RunAsync(Action, CancellationToken)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    public static Task<T> RunAsync<T>(Func<T> main, CancellationToken cancellationToken = default) =>
        HubPool.Shared.RunAsync(main, cancellationToken);

    /// <summary>Runs a hub as <see cref="RunAsync(Action, CancellationToken)"/> does, with an asynchronous main task, which ends when what it
    /// returned has completed. What comes after an <c>await</c> is in the hub, too, and may wait there.</summary>
    /// <param name="main">The main task.</param>
    /// <param name="cancellationToken">Makes the wait in the hub that it is in, or its next one, throw an
    /// <see cref="OperationCanceledException"/>. An <c>await</c> goes on: give what is awaited the token.</param>
    /// <returns>A task that completes when the main task has ended, and all that it spawned.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="OutOfMemoryException">There is no thread for the hub.</exception>
    public static Task RunAsync(Func<Task> main, CancellationToken cancellationToken = default) =>
        HubPool.Shared.RunAsync(main, cancellationToken);

    /// <inheritdoc cref="RunAsync(Func{Task}, CancellationToken)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    [OverloadResolutionPriority(1)]
    public static Task<T> RunAsync<T>(Func<Task<T>?> main, CancellationToken cancellationToken = default) =>
        HubPool.Shared.RunAsync(main, cancellationToken);

    /// <summary>Starts a thread with a hub that lives until it is disposed of, for
    /// <see cref="InvokeAsync(Action, CancellationToken)"/>.</summary>
    /// <param name="name">A name for diagnostics, and for the thread.</param>
    /// <returns>The hub.</returns>
    /// <exception cref="OutOfMemoryException">There is no thread for it.</exception>
    public static Hub Start(string? name = null)
    {
        Hub hub = new(null, isPooled: false, name ?? "hub");
        hub.EnsureThread();
        return hub;
    }

    /// <summary>Runs a main task in this hub; from any thread.</summary>
    /// <param name="main">The main task.</param>
    /// <param name="cancellationToken">Makes its next wait throw an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A task that completes when the main task has ended, and all that it spawned.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The hub has ended; the task throws it.</exception>
    /// <exception cref="OutOfMemoryException">The hub has no thread yet, and cannot have one.</exception>
    public Task InvokeAsync(Action main, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(main);
        return StartAsync<object?>(new GreenTask(main), cancellationToken);
    }

    /// <inheritdoc cref="InvokeAsync(Action, CancellationToken)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    public Task<T> InvokeAsync<T>(Func<T> main, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(main);
        return StartAsync<T>(new GreenTask<T>(main), cancellationToken);
    }

    /// <summary>Runs a main task as <see cref="InvokeAsync(Action, CancellationToken)"/> does, with an asynchronous main task, which ends when what it
    /// returned has completed. What comes after an <c>await</c> is in the hub, too, and may wait there.</summary>
    /// <param name="main">The main task.</param>
    /// <param name="cancellationToken">Makes the wait in the hub that it is in, or its next one, throw an
    /// <see cref="OperationCanceledException"/>. An <c>await</c> goes on: give what is awaited the token.</param>
    /// <returns>A task that completes when the main task has ended, and all that it spawned.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The hub has ended; the task throws it.</exception>
    /// <exception cref="OutOfMemoryException">The hub has no thread yet, and cannot have one.</exception>
    public Task InvokeAsync(Func<Task> main, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(main);
        return StartAsync<object?>(new AsyncGreenTask(main), cancellationToken);
    }

    /// <inheritdoc cref="InvokeAsync(Func{Task}, CancellationToken)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    [OverloadResolutionPriority(1)]
    public Task<T> InvokeAsync<T>(Func<Task<T>?> main, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(main);
        return StartAsync<T>(new AsyncGreenTask<T>(main), cancellationToken);
    }

    /// <summary>Calls something in the hub's thread, between tasks; from any thread. It must not wait.</summary>
    /// <param name="callback">What to call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The hub has ended; it will not be called.</exception>
    /// <exception cref="OutOfMemoryException">The hub has no thread yet, and cannot have one.</exception>
    public void Post(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        EnsureThread();
        ObjectDisposedException.ThrowIf(!TryPost(callback), this);
    }

    /// <summary>Calls something that throws in the hub's thread.</summary>
    /// <param name="callback">What to call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="callback"/> is null.</exception>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void Post(Func<Never> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Post(new Action(() => callback()));
    }

    /// <summary>Refuses an asynchronous callback: nobody would wait for what it returns.</summary>
    /// <param name="callback">The callback.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete("A callback runs between tasks and cannot await. Start a task instead: hub.InvokeAsync(async () => ...).", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void Post(Func<Task> callback) => throw new NotSupportedException("A callback cannot await.");

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

    /// <summary>Writes every task of the hub: its state, what it waits for, and where.</summary>
    /// <param name="writer">Where to.</param>
    /// <exception cref="ArgumentNullException"><paramref name="writer"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The caller is not inside this hub; call it through
    /// <see cref="Post(Action)"/>.</exception>
    public void Dump(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        HubDump.Write(Loop, writer);
    }

    /// <summary>Makes a hub of a pool, with a thread.</summary>
    internal static Hub StartPooled(HubOptions options, string name)
    {
        Hub hub = new(options, isPooled: true, name);
        hub.EnsureThread();
        return hub;
    }

    /// <summary>Asks it to end. From any thread.</summary>
    internal Task EndAsync()
    {
        lock (_starting)
        {
            if (!_hasThread)
            {
                _hasThread = true;
                Loop.EndUnstarted();
            }
        }

        return Loop.EndAsync();
    }

    /// <summary>Calls something in the hub, from any thread. False if that has ended: then it is not called.</summary>
    internal bool TryPost(Action callback) => Loop.TryPost(callback);

    /// <summary>Tells of an exception that nobody gets. In the hub's thread.</summary>
    internal void Report(GreenTask? task, Exception exception)
    {
        EventHandler<HubUnhandledExceptionEventArgs>? handler = UnhandledException;
        if (handler is null)
        {
            WriteError(() => $"{Name}: {task?.ToString() ?? "a callback"} ended with an exception that nobody waits for: {exception}");
            return;
        }

        Exception? failure = null;
        try
        {
            handler(this, new HubUnhandledExceptionEventArgs(task, exception));
        }
        catch (Exception caught)
        {
            failure = caught;
        }

        if (failure is not null)
        {
            WriteError(() => $"{Name}: the handler of {nameof(UnhandledException)} failed: {failure}");
        }
    }

    /// <summary>Tells of a wait that blocks the hub's thread. There.</summary>
    internal void TellOfBlockingWait(HubBlockingWaitEventArgs wait)
    {
        Exception? failure = null;
        try
        {
            BlockingWait?.Invoke(this, wait);
        }
        catch (Exception caught)
        {
            failure = caught;
        }

        if (failure is not null)
        {
            Report(null, failure);
        }
    }

    /// <summary>Tells that a run may be deadlocked. In the hub's thread.</summary>
    internal void Suspect(HubDeadlockSuspectedEventArgs suspicion)
    {
        string waiters = string.Concat(suspicion.Waiters.Select(waiter => $"{Environment.NewLine}  {waiter}"));
        HubEventSource.Log.DeadlockSuspected(Name, waiters);
        EventHandler<HubDeadlockSuspectedEventArgs>? handler = DeadlockSuspected;
        if (handler is null)
        {
            WriteError(() => $"{Name}: warning: every task of a run has waited for {suspicion.Duration.TotalSeconds:F1} s. Unless something outside the hub wakes one, this is a deadlock:{waiters}");
            return;
        }

        Exception? failure = null;
        try
        {
            handler(this, suspicion);
        }
        catch (Exception caught)
        {
            failure = caught;
        }

        if (failure is not null)
        {
            Report(null, failure);
        }
    }

    // A line that cannot be had, or not written, does not end the hub: there may be no descriptor for the standard error at its
    // first use, or nobody who reads it, and an exception's own text may throw.
    private static void WriteError(Func<string> line)
    {
        try
        {
            Console.Error.WriteLine(line());
        }
        catch (Exception)
        {
            // Nobody is left to tell.
        }
    }

    private static TTask RunHere<TTask>(TTask main, HubOptions? options)
        where TTask : GreenTask
    {
        if (OfThisThreadOrNull is not null)
        {
            throw new InvalidOperationException("There is a hub on this thread already. Inside one, start a task: Hub.Spawn(() => ...).Join().");
        }

        Hub hub = new(options, isPooled: false, $"hub of thread {Environment.CurrentManagedThreadId}") { _hasThread = true };
        hub.Loop.RunHere(main);
        return main;
    }

    private Task<T> StartAsync<T>(GreenTask main, CancellationToken cancellationToken)
    {
        EnsureThread();
        return RootTask<T>.StartAsync(Loop, main, cancellationToken);
    }

    private void EnsureThread()
    {
        if (_hasThread)
        {
            return;
        }

        lock (_starting)
        {
            if (!_hasThread)
            {
                HubThread.Start(Loop, Name);
                _hasThread = true;
            }
        }
    }
}
