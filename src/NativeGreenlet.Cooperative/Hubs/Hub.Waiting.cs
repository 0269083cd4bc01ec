using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <content>What a task calls: spawning, and everything that waits.</content>
public sealed partial class Hub
{
    internal const string SleepText = "a time";
    internal const string YieldText = "its turn";
    internal const string SignalText = "a signal";

    /// <summary>Starts a task. It runs when the caller next waits, never before.</summary>
    /// <param name="body">What it does.</param>
    /// <returns>The task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static GreenTask Spawn(Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask(body));
    }

    /// <inheritdoc cref="Spawn(Action)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    public static GreenTask<T> Spawn<T>(Func<T> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask<T>(body));
    }

    /// <summary>Starts a task whose body is asynchronous; it ends when what the body returned has completed. It runs when the caller
    /// next waits, never before; what comes after an <c>await</c> is in the hub, too, and may wait there.</summary>
    /// <remarks>A kill (<see cref="GreenTask.Kill"/>) is thrown by the wait in the hub that the body is in, or by its next one. An
    /// <c>await</c> cannot be ended from outside: the body has <see cref="HubOptions.ShutdownGrace"/> to end, and is left behind
    /// then. So give what is awaited a token, or wait for it by
    /// <see cref="Await(Func{CancellationToken, Task})"/>.</remarks>
    /// <param name="body">What it does.</param>
    /// <returns>The task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <example><code>
    /// GreenTask&lt;string&gt; text = Hub.Spawn(async () => await File.ReadAllTextAsync("greeting.txt"));
    /// </code></example>
    public static GreenTask Spawn(Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn<GreenTask>(new AsyncGreenTask(body));
    }

    /// <inheritdoc cref="Spawn(Func{Task})" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    [OverloadResolutionPriority(1)]
    public static GreenTask<T> Spawn<T>(Func<Task<T>?> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn<GreenTask<T>>(new AsyncGreenTask<T>(body));
    }

    /// <summary>Starts a task after a time.</summary>
    /// <param name="delay">The time.</param>
    /// <param name="body">What it does.</param>
    /// <returns>The task; until it starts it can be killed like any other.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static GreenTask SpawnLater(TimeSpan delay, Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return SpawnLater(delay, new GreenTask(body));
    }

    /// <inheritdoc cref="SpawnLater(TimeSpan, Action)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    public static GreenTask<T> SpawnLater<T>(TimeSpan delay, Func<T> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return SpawnLater(delay, new GreenTask<T>(body));
    }

    /// <summary>Starts a task whose body is asynchronous after a time; see <see cref="Spawn(Func{Task})"/>.</summary>
    /// <param name="delay">The time.</param>
    /// <param name="body">What it does.</param>
    /// <returns>The task; until it starts it can be killed like any other.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static GreenTask SpawnLater(TimeSpan delay, Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return SpawnLater<GreenTask>(delay, new AsyncGreenTask(body));
    }

    /// <inheritdoc cref="SpawnLater(TimeSpan, Func{Task})" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    [OverloadResolutionPriority(1)]
    public static GreenTask<T> SpawnLater<T>(TimeSpan delay, Func<Task<T>?> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return SpawnLater<GreenTask<T>>(delay, new AsyncGreenTask<T>(body));
    }

    /// <summary>Waits for a time.</summary>
    /// <param name="delay">The time; zero is a <see cref="Yield"/>, <see cref="Timeout.InfiniteTimeSpan"/> lasts until the
    /// task is killed, and is never part of a deadlock.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sleep(TimeSpan delay)
    {
        HubClock.Check(delay, nameof(delay));
        if (delay == TimeSpan.Zero)
        {
            Yield();
            return;
        }

        GreenTask task = RequireTask();
        task.Waiter.Begin(SleepText);
        task.Waiter.Park(task.Loop.Clock.In(delay), isExternal: true);
    }

    /// <inheritdoc cref="Sleep(TimeSpan)" path="/*[not(self::param)]"/>
    /// <param name="delay">The time; zero is a <see cref="Yield"/>, <see cref="Timeout.InfiniteTimeSpan"/> lasts until the task is killed or the token cancelled.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void Sleep(TimeSpan delay, CancellationToken cancellationToken)
    {
        HubClock.Check(delay, nameof(delay));
        GreenTask task = EnterWait();
        cancellationToken.ThrowIfCancellationRequested();
        if (delay == TimeSpan.Zero)
        {
            Yield();
            return;
        }

        task.Waiter.Begin(SleepText);
        task.Waiter.Park(task.Loop.Clock.In(delay), isExternal: true, cancellationToken);
    }

    /// <summary>Lets every other task that can go on run first.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Yield()
    {
        GreenTask task = RequireTask();
        long version = task.Waiter.Begin(YieldText);
        task.Loop.Schedule(new ReadyEntry(task, version));
        task.Waiter.Park(long.MaxValue, isExternal: true);
    }

    /// <summary>Waits for a .NET task, at any depth of calls. One that has completed costs no switch.</summary>
    /// <remarks>If the wait is given up, by a kill or a timeout, the task is left behind: it goes on, its result and its exception
    /// are nobody's, and what it uses must not be disposed of. So this is for a task that others wait for, too. For an operation
    /// that is the caller's own: <see cref="Await(Func{CancellationToken, Task})"/>, which cancels it and waits for its
    /// end.</remarks>
    /// <param name="task">The task.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub; nothing is ever blocked instead.</exception>
    /// <exception cref="Exception">What the task threw: the same object, with the stack trace of the task and of the
    /// caller.</exception>
    public static void Await(Task task) => Await(task, CancellationToken.None);

    /// <inheritdoc cref="Await(Task)" path="/*[not(self::param)]"/>
    /// <param name="task">The task.</param>
    /// <param name="cancellationToken">Ends the wait; the task is left behind then.</param>
    /// <exception cref="ArgumentNullException"><paramref name="task"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before the task has completed, or the task was
    /// cancelled.</exception>
    public static void Await(Task task, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(task);
        GreenTask self = EnterWait(task, cancellationToken);
        if (!task.IsCompleted)
        {
            ParkFor(self, task, long.MaxValue, cancellationToken);
        }

        task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Await(Task)" path="/*[not(self::typeparam or self::returns)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>The task's result.</returns>
    public static T Await<T>(Task<T> task) => Await(task, CancellationToken.None);

    /// <inheritdoc cref="Await{T}(Task{T})" path="/*[not(self::param)]"/>
    /// <param name="task">The task.</param>
    /// <param name="cancellationToken">Ends the wait; the task is left behind then.</param>
    /// <exception cref="ArgumentNullException"><paramref name="task"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before the task has completed, or the task was
    /// cancelled.</exception>
    public static T Await<T>(Task<T> task, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(task);
        GreenTask self = EnterWait(task, cancellationToken);
        if (!task.IsCompleted)
        {
            ParkFor(self, task, long.MaxValue, cancellationToken);
        }

        return task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Await(Task)"/>
    public static void Await(ValueTask task) => Await(task, CancellationToken.None);

    /// <inheritdoc cref="Await(Task, CancellationToken)"/>
    public static void Await(ValueTask task, CancellationToken cancellationToken)
    {
        GreenTask self = RequireTask();
        if (!task.IsCompleted || self.MayThrow || cancellationToken.IsCancellationRequested)
        {
            // As a task it can be left behind, should this wait be given up.
            Await(task.AsTask(), cancellationToken);
            return;
        }

        task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Await{T}(Task{T})"/>
    public static T Await<T>(ValueTask<T> task) => Await(task, CancellationToken.None);

    /// <inheritdoc cref="Await{T}(Task{T}, CancellationToken)"/>
    public static T Await<T>(ValueTask<T> task, CancellationToken cancellationToken)
    {
        GreenTask self = RequireTask();
        return !task.IsCompleted || self.MayThrow || cancellationToken.IsCancellationRequested
            ? Await(task.AsTask(), cancellationToken)
            : task.GetAwaiter().GetResult();
    }

    /// <summary>Waits as <see cref="Await(Task)"/> does, but no longer than a time.</summary>
    /// <param name="task">The task.</param>
    /// <param name="timeout">How long at most; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <returns>Whether it completed.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the task threw.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, and not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    public static bool Await(Task task, TimeSpan timeout) => Await(task, timeout, CancellationToken.None);

    /// <inheritdoc cref="Await(Task, TimeSpan)" path="/*[not(self::param)]"/>
    /// <param name="task">The task.</param>
    /// <param name="timeout">How long at most; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <param name="cancellationToken">Ends the wait; the task is left behind then.</param>
    /// <exception cref="ArgumentNullException"><paramref name="task"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before the task has completed, or the task was
    /// cancelled.</exception>
    public static bool Await(Task task, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(task);
        HubClock.Check(timeout, nameof(timeout));
        EnterWait(task, cancellationToken);
        return AwaitBegun(task, timeout, cancellationToken);
    }

    /// <summary>Waits for an operation that the caller has begun after it has entered the wait: what that brings is not thrown
    /// away, should the caller be killed at the moment at which it is over.</summary>
    internal static bool AwaitBegun(Task task, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        GreenTask self = RequireTask();
        if (!task.IsCompleted && !ParkFor(self, task, HubClock.After(timeout), cancellationToken))
        {
            return false;
        }

        task.GetAwaiter().GetResult();
        return true;
    }

    /// <summary>Lets another thread do something that blocks, one of <see cref="HubOptions.OffloadPool"/>, and waits for it.</summary>
    /// <remarks>A thread is started at once if there is none to spare, up to the limit of the pool; beyond it, what is offloaded
    /// waits in the pool's queue.</remarks>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="blocking">What to do. Should the caller be killed meanwhile, it goes on, and nobody gets its
    /// result.</param>
    /// <returns>Its result.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static T Offload<T>(Func<T> blocking) => Offload(blocking, CancellationToken.None);

    /// <inheritdoc cref="Offload{T}(Func{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="blocking">What to do. Should the token be cancelled meanwhile, it goes on, and nobody gets its result.</param>
    /// <param name="cancellationToken">Ends the wait, not what was offloaded. That does not begin if the token is cancelled before the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before it has ended.</exception>
    public static T Offload<T>(Func<T> blocking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(blocking);
        OffloadPool pool = EnterWait().Loop.Options.OffloadPool;
        cancellationToken.ThrowIfCancellationRequested();
        return Await(pool.Run(blocking), cancellationToken);
    }

    /// <inheritdoc cref="Offload{T}(Func{T})"/>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    public static void Offload(Action blocking) => Offload(blocking, CancellationToken.None);

    /// <inheritdoc cref="Offload(Action)" path="/*[not(self::param)]"/>
    /// <param name="blocking">What to do. Should the token be cancelled meanwhile, it goes on, and nobody gets its result.</param>
    /// <param name="cancellationToken">Ends the wait, not what was offloaded. That does not begin if the token is cancelled before the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before it has ended.</exception>
    public static void Offload(Action blocking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(blocking);
        OffloadPool pool = EnterWait().Loop.Options.OffloadPool;
        cancellationToken.ThrowIfCancellationRequested();
        Await(pool.Run(blocking), cancellationToken);
    }

    /// <summary>Lets another thread do something that may block and is asynchronous, and waits until what it returned has
    /// completed. It is outside of the hub to its end; after its first <c>await</c> that is not over, on the thread pool of .NET.</summary>
    /// <param name="blocking">What to do. Should the caller be killed meanwhile, it goes on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What it threw.</exception>
    public static void Offload(Func<Task> blocking) => Offload(blocking, CancellationToken.None);

    /// <inheritdoc cref="Offload(Func{Task})" path="/*[not(self::param)]"/>
    /// <param name="blocking">What to do. Should the token be cancelled meanwhile, it goes on, and nobody gets its result.</param>
    /// <param name="cancellationToken">Ends the wait, not what was offloaded. That does not begin if the token is cancelled before the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before it has ended.</exception>
    public static void Offload(Func<Task> blocking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(blocking);
        OffloadPool pool = EnterWait().Loop.Options.OffloadPool;
        cancellationToken.ThrowIfCancellationRequested();
        Await(pool.Run(blocking).Unwrap(), cancellationToken);
    }

    /// <inheritdoc cref="Offload(Func{Task})" path="/*[not(self::typeparam or self::returns)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>Its result.</returns>
    [OverloadResolutionPriority(1)]
    public static T Offload<T>(Func<Task<T>?> blocking) => Offload(blocking, CancellationToken.None);

    /// <inheritdoc cref="Offload{T}(Func{Task{T}})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="blocking">What to do. Should the token be cancelled meanwhile, it goes on, and nobody gets its result.</param>
    /// <param name="cancellationToken">Ends the wait, not what was offloaded. That does not begin if the token is cancelled before the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before it has ended.</exception>
    [OverloadResolutionPriority(1)]
    public static T Offload<T>(Func<Task<T>?> blocking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(blocking);
        OffloadPool pool = EnterWait().Loop.Options.OffloadPool;
        cancellationToken.ThrowIfCancellationRequested();
        return Await(pool.Run(() => NoTask.Replace(blocking())).Unwrap(), cancellationToken);
    }

    /// <summary>Runs a function as <see cref="Offload{T}(Func{T})"/> does, on a thread of its own: for what takes so long
    /// that the pool would miss the thread.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="blocking">What to do.</param>
    /// <returns>Its result.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    public static T OffloadLongRunning<T>(Func<T> blocking) => OffloadLongRunning(blocking, CancellationToken.None);

    /// <inheritdoc cref="OffloadLongRunning{T}(Func{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="blocking">What to do. Should the token be cancelled meanwhile, it goes on, and nobody gets its result.</param>
    /// <param name="cancellationToken">Ends the wait, not what was offloaded. That does not begin if the token is cancelled before the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before it has ended.</exception>
    public static T OffloadLongRunning<T>(Func<T> blocking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(blocking);
        EnterWait();
        cancellationToken.ThrowIfCancellationRequested();
        return Await(StartLongRunning(blocking), cancellationToken);
    }

    /// <inheritdoc cref="OffloadLongRunning{T}(Func{T})"/>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    public static void OffloadLongRunning(Action blocking) => OffloadLongRunning(blocking, CancellationToken.None);

    /// <inheritdoc cref="OffloadLongRunning(Action)" path="/*[not(self::param)]"/>
    /// <param name="blocking">What to do. Should the token be cancelled meanwhile, it goes on, and nobody gets its result.</param>
    /// <param name="cancellationToken">Ends the wait, not what was offloaded. That does not begin if the token is cancelled before the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before it has ended.</exception>
    public static void OffloadLongRunning(Action blocking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(blocking);
        EnterWait();
        cancellationToken.ThrowIfCancellationRequested();
        Await(Task.Factory.StartNew(blocking, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default), cancellationToken);
    }

    /// <summary>Runs a function as <see cref="Offload(Func{Task})"/> does, on a thread of its own until its first <c>await</c> that is not over; on
    /// those of the pool after that.</summary>
    /// <param name="blocking">What to do.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What it threw.</exception>
    public static void OffloadLongRunning(Func<Task> blocking) => OffloadLongRunning(blocking, CancellationToken.None);

    /// <inheritdoc cref="OffloadLongRunning(Func{Task})" path="/*[not(self::param)]"/>
    /// <param name="blocking">What to do. Should the token be cancelled meanwhile, it goes on, and nobody gets its result.</param>
    /// <param name="cancellationToken">Ends the wait, not what was offloaded. That does not begin if the token is cancelled before the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before it has ended.</exception>
    public static void OffloadLongRunning(Func<Task> blocking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(blocking);
        EnterWait();
        cancellationToken.ThrowIfCancellationRequested();
        Await(StartLongRunning(blocking).Unwrap(), cancellationToken);
    }

    /// <inheritdoc cref="OffloadLongRunning(Func{Task})" path="/*[not(self::typeparam or self::returns)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>Its result.</returns>
    [OverloadResolutionPriority(1)]
    public static T OffloadLongRunning<T>(Func<Task<T>?> blocking) => OffloadLongRunning(blocking, CancellationToken.None);

    /// <inheritdoc cref="OffloadLongRunning{T}(Func{Task{T}})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="blocking">What to do. Should the token be cancelled meanwhile, it goes on, and nobody gets its result.</param>
    /// <param name="cancellationToken">Ends the wait, not what was offloaded. That does not begin if the token is cancelled before the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="blocking"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before it has ended.</exception>
    [OverloadResolutionPriority(1)]
    public static T OffloadLongRunning<T>(Func<Task<T>?> blocking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(blocking);
        EnterWait();
        cancellationToken.ThrowIfCancellationRequested();
        return Await(StartLongRunning(() => NoTask.Replace(blocking())).Unwrap(), cancellationToken);
    }

    /// <summary>Waits until all tasks have ended, however.</summary>
    /// <param name="tasks">The tasks.</param>
    /// <exception cref="ArgumentNullException">One of <paramref name="tasks"/> is null.</exception>
    [OverloadResolutionPriority(1)]
    public static void WaitAll(params ReadOnlySpan<GreenTask> tasks)
    {
        foreach (GreenTask task in tasks)
        {
            ArgumentNullException.ThrowIfNull(task, nameof(tasks));
        }

        ThrowPending();
        foreach (GreenTask task in tasks)
        {
            task.Join();
        }
    }

    /// <inheritdoc cref="WaitAll(ReadOnlySpan{GreenTask})"/>
    /// <exception cref="ArgumentNullException"><paramref name="tasks"/> is null, or one of them is.</exception>
    public static void WaitAll(IEnumerable<GreenTask> tasks) => WaitAll([.. tasks ?? throw new ArgumentNullException(nameof(tasks))]);

    /// <summary>Waits until one of several tasks has ended, however.</summary>
    /// <param name="tasks">The tasks.</param>
    /// <returns>The first that has.</returns>
    /// <exception cref="ArgumentException">There is no task, or one of them is null.</exception>
    [OverloadResolutionPriority(1)]
    public static GreenTask WaitAny(params ReadOnlySpan<GreenTask> tasks)
    {
        if (tasks.IsEmpty)
        {
            throw new ArgumentException("There is no task to wait for.", nameof(tasks));
        }

        GreenTask[] all = [.. tasks];
        RefuseNull(all, nameof(tasks));
        EnterWait();
        return Array.Find(all, task => task.IsCompleted) ?? (GreenTask)new MultipleWait(RequireTask().Waiter, [.. all.Distinct()], 1).ParkForFirst(long.MaxValue, CancellationToken.None)!;
    }

    /// <inheritdoc cref="WaitAny(ReadOnlySpan{GreenTask})"/>
    /// <exception cref="ArgumentNullException"><paramref name="tasks"/> is null.</exception>
    public static GreenTask WaitAny(IEnumerable<GreenTask> tasks) => WaitAny([.. tasks ?? throw new ArgumentNullException(nameof(tasks))]);

    /// <summary>Waits until objects of several kinds are all ready.</summary>
    /// <param name="objects">Tasks, events, completion sources.</param>
    /// <exception cref="ArgumentException">One of <paramref name="objects"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and one is not ready.</exception>
    public static void WaitAll(params IGreenWaitable[] objects) => WaitAll(objects, Timeout.InfiniteTimeSpan);

    /// <inheritdoc cref="WaitAll(IGreenWaitable[])" path="/*[not(self::param)]"/>
    /// <param name="objects">Tasks, events, completion sources.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void WaitAll(IEnumerable<IGreenWaitable> objects, CancellationToken cancellationToken) => WaitAll(objects, Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="WaitAll(IGreenWaitable[])" path="/*[not(self::param)]"/>
    /// <param name="objects">Tasks, events, completion sources.</param>
    /// <param name="timeout">How long at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether all are ready, or were at some moment of the wait.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="objects"/> is null.</exception>
    /// <exception cref="ArgumentException">One of <paramref name="objects"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static bool WaitAll(IEnumerable<IGreenWaitable> objects, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        IGreenWaitable[] all = [.. objects ?? throw new ArgumentNullException(nameof(objects))];
        return Wait(all, timeout, null, cancellationToken).Count == all.Length;
    }

    /// <summary>Waits until one of several objects is ready.</summary>
    /// <param name="objects">Tasks, events, completion sources.</param>
    /// <returns>The first that is.</returns>
    /// <exception cref="ArgumentException">There is no object, or one of them is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and none is ready.</exception>
    public static IGreenWaitable WaitAny(params IGreenWaitable[] objects) => WaitAny(objects, Timeout.InfiniteTimeSpan)!;

    /// <inheritdoc cref="WaitAny(IGreenWaitable[])" path="/*[not(self::param)]"/>
    /// <param name="objects">Tasks, events, completion sources.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static IGreenWaitable WaitAny(IEnumerable<IGreenWaitable> objects, CancellationToken cancellationToken) => WaitAny(objects, Timeout.InfiniteTimeSpan, cancellationToken)!;

    /// <inheritdoc cref="WaitAny(IGreenWaitable[])" path="/*[not(self::param)]"/>
    /// <param name="objects">Tasks, events, completion sources.</param>
    /// <param name="timeout">How long at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>The first that is; null if the time is up.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static IGreenWaitable? WaitAny(IEnumerable<IGreenWaitable> objects, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        HubClock.Check(timeout, nameof(timeout));
        IGreenWaitable[] all = [.. objects ?? throw new ArgumentNullException(nameof(objects))];
        if (all.Length == 0)
        {
            throw new ArgumentException("There is no object to wait for.", nameof(objects));
        }

        RefuseNull(all, nameof(objects));
        ThrowPending();
        cancellationToken.ThrowIfCancellationRequested();
        return Array.Find(all, each => each.IsReady) is { } ready ? ready
            : timeout == TimeSpan.Zero ? null
            : new MultipleWait(RequireTask().Waiter, [.. all.Distinct()], 1).ParkForFirst(HubClock.After(timeout), cancellationToken);
    }

    /// <summary>Waits for several tasks, one after the other as they end.</summary>
    /// <param name="tasks">The tasks.</param>
    /// <returns>Them, in the order in which they have ended.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="tasks"/> is null.</exception>
    /// <exception cref="ArgumentException">One of <paramref name="tasks"/> is null.</exception>
    public static IEnumerable<GreenTask> WaitEach(params IEnumerable<GreenTask> tasks) => WaitEach(tasks, CancellationToken.None);

    /// <inheritdoc cref="WaitEach(IEnumerable{GreenTask})" path="/*[not(self::param)]"/>
    /// <param name="tasks">The tasks.</param>
    /// <param name="cancellationToken">Ends the wait for the next one when it is cancelled; the tasks go on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="tasks"/> is null.</exception>
    /// <exception cref="ArgumentException">One of <paramref name="tasks"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next one throws it.</exception>
    public static IEnumerable<GreenTask> WaitEach(IEnumerable<GreenTask> tasks, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        GreenTask[] all = [.. tasks];
        RefuseNull(all, nameof(tasks));
        GreenQueue<GreenTask> ended = new();
        RootTask? run = HubLoop.OfThisThreadOrNull?.CurrentRun;
        WaitRoom room = ((IShared)ended).Room;
        if (Array.TrueForAll(all, task => task.Run == run))
        {
            room.IsInternal = true;
        }
        else
        {
            room.Share();
        }

        Action<GreenTask> put = ended.Put;
        Array.ForEach(all, task => task.OnCompleted(put));
        return new TaskSequence<GreenTask>(Enumerate());

        IEnumerable<GreenTask> Enumerate()
        {
            try
            {
                ThrowPending(); // also if there are none
                cancellationToken.ThrowIfCancellationRequested();
                foreach (GreenTask task in ended.GetAll(cancellationToken).Take(all.Length))
                {
                    yield return task;
                }
            }
            finally
            {
                Array.ForEach(all, task => task.RemoveOnCompleted(put)); // those that go on, when it is left
            }
        }
    }

    /// <summary>Waits for objects of several kinds.</summary>
    /// <param name="objects">Tasks, events, completion sources.</param>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <param name="count">How many must be ready; null for all.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Those that are ready, or were at some moment of the wait: an event that was set and cleared at once counts.
    /// In the order in which they were given.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="objects"/> is null.</exception>
    /// <exception cref="ArgumentException">One of <paramref name="objects"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static IReadOnlyList<IGreenWaitable> Wait(IEnumerable<IGreenWaitable> objects, TimeSpan? timeout = null, int? count = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(objects);
        HubClock.Check(timeout ?? Timeout.InfiniteTimeSpan, nameof(timeout));
        IGreenWaitable[] all = [.. objects];
        RefuseNull(all, nameof(objects));
        ThrowPending();
        cancellationToken.ThrowIfCancellationRequested();
        HashSet<IGreenWaitable> ready = [.. all.Where(each => each.IsReady)];
        int needed = Math.Min(count ?? all.Length, all.Length) - all.Count(ready.Contains);
        if (needed > 0 && timeout != TimeSpan.Zero)
        {
            IGreenWaitable[] others = [.. all.Except(ready)];
            MultipleWait wait = new(RequireTask().Waiter, others, Math.Min(needed, others.Length));
            wait.Park(HubClock.After(timeout ?? Timeout.InfiniteTimeSpan), cancellationToken);

            // What woke it counts, even if it is ready no longer; so does what is ready by now.
            ready.UnionWith(others.Where((each, index) => wait.IsSignalled(index) || each.IsReady));
        }

        return [.. all.Where(ready.Contains)];
    }

    /// <summary>Starts a task whenever a signal comes, instead of what the signal does otherwise.</summary>
    /// <param name="signal">The signal.</param>
    /// <param name="handler">What the task does.</param>
    /// <returns>Disposing of it ends that: no handler begins any more, also for a signal that came before. So does the end of the caller's main task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="handler"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static IDisposable OnSignal(PosixSignal signal, Action handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        RootTask run = RequireRun();
        return new SignalRegistration(run, signal, registration => Spawn(() =>
        {
            if (!registration.IsOver)
            {
                handler();
            }
        }));
    }

    /// <inheritdoc cref="OnSignal(PosixSignal, Action)"/>
    /// <exception cref="ArgumentNullException"><paramref name="handler"/> is null.</exception>
    public static IDisposable OnSignal(PosixSignal signal, Func<Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        RootTask run = RequireRun();
        return new SignalRegistration(run, signal, registration => Spawn(() => registration.IsOver ? Task.CompletedTask : handler()));
    }

    private static void RefuseNull<T>(T[] all, string name)
        where T : class
    {
        if (Array.Exists(all, each => each is null))
        {
            throw new ArgumentException($"One of the {name} to wait for is null.", name);
        }
    }

    /// <summary>What every wait begins with, also one that need not park: a kill, a cancellation or a timeout that the caller
    /// has not got yet is thrown. Does nothing outside of tasks.</summary>
    internal static void ThrowPending() => HubLoop.OfThisThreadOrNull?.CurrentTask?.EnterWait();

    /// <summary>The same, where only a task may wait.</summary>
    internal static GreenTask EnterWait()
    {
        GreenTask task = RequireTask();
        task.EnterWait();
        return task;
    }

    /// <summary>The task the caller is in; a wait is only possible there.</summary>
    internal static GreenTask RequireTask()
    {
        HubLoop loop = HubLoop.OfThisThreadOrNull ?? throw new MissingHubException();
        return loop.CurrentTask ?? throw new BlockingSwitchOutException();
    }

    private static Task<T> StartLongRunning<T>(Func<T> blocking) =>
        Task.Factory.StartNew(blocking, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    // Should it throw, nobody waits for the task.
    private static GreenTask EnterWait(Task task, CancellationToken cancellationToken)
    {
        GreenTask self = RequireTask();
        if (self.MayThrow || cancellationToken.IsCancellationRequested)
        {
            bool goesOn = false;
            try
            {
                self.EnterWait();
                cancellationToken.ThrowIfCancellationRequested();
                goesOn = true;
            }
            finally
            {
                if (!goesOn)
                {
                    Forget(task);
                }
            }
        }

        return self;
    }

    /// <summary>Parks until a task has completed. False if the time is up.</summary>
    internal static bool ParkFor(GreenTask self, Task task, long due = long.MaxValue, CancellationToken cancellationToken = default)
    {
        Waiter waiter = self.Waiter;
        AwaitContinuation continuation;
        try
        {
            continuation = waiter.TakeContinuation(task);
        }
        catch
        {
            Forget(task); // nobody will wait for it
            throw;
        }

        using TaskContinuation registration = new(task, continuation.Invoke);
        bool isDone = false;
        try
        {
            registration.Register();
            isDone = waiter.Park(due, isExternal: true, cancellationToken);
        }
        finally
        {
            if (isDone)
            {
                // Otherwise it is on its way, by the thread pool.
                waiter.SpareContinuation = continuation.HasRun ? continuation : null;
            }
            else
            {
                registration.GiveUp();
            }
        }

        return isDone;
    }

    /// <summary>Nobody waits for a task any more: its exception is nobody's.</summary>
    internal static void Forget(Task task) => TaskContinuation.Forget(task);

    internal static TTask Spawn<TTask>(TTask task)
        where TTask : GreenTask
    {
        RootTask run = RequireRun();
        task.CaptureContext(run.Loop);
        task.Schedule(run);
        return task;
    }

    private static RootTask RequireRun() => (HubLoop.OfThisThreadOrNull ?? throw new MissingHubException()).CurrentRun ?? throw new BlockingSwitchOutException(
        "A callback that does not belong to a run cannot spawn tasks. Use Hub.InvokeAsync.");

    private static TTask SpawnLater<TTask>(TimeSpan delay, TTask task)
        where TTask : GreenTask
    {
        HubClock.Check(delay, nameof(delay));
        RootTask run = RequireRun();
        task.CaptureContext(run.Loop);
        task.ScheduleLater(run, delay);
        return task;
    }
}
