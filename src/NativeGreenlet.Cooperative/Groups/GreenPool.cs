using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Synchronization;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>Tasks of which no more than a number run at a time: <see cref="Spawn(Action)"/> waits for a free place.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenPool pool = new(10); // at most ten tasks at a time
///     foreach (int length in pool.Map(["example.org", "example.com"], host =&gt; GreenDns.GetHostAddresses(host).Length))
///     {
///         Console.WriteLine(length);
///     }
/// });
/// </code></example>
public sealed class GreenPool
{
    private readonly GreenSemaphore _places;
    private readonly HashSet<GreenTask> _tasks = [];
    private int _kills; // that go on; under the lock of the tasks, as what follows
    private long _killed; // how often

    /// <summary>Creates a pool.</summary>
    /// <param name="size">Gets how many tasks run at a time at most.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is zero or negative.</exception>
    public GreenPool(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        Size = size;
        _places = new GreenSemaphore(size, size);
        ((IShared)_places).Room.IsInternal = true;
    }

    /// <summary>Gets how many tasks run at a time at most.</summary>
    public int Size { get; }

    /// <summary>Tasks that could be started now without waiting.</summary>
    public int FreeCount => _places.CurrentCount;

    /// <summary>Tasks of the pool that have not ended.</summary>
    public int Count
    {
        get
        {
            lock (_tasks)
            {
                return _tasks.Count;
            }
        }
    }

    /// <summary>Starts a task; waits while the pool is full.</summary>
    /// <param name="body">What it does.</param>
    /// <returns>The task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The pool is being killed (<see cref="Kill"/>), or was while the caller
    /// waited.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public GreenTask Spawn(Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask(body), CancellationToken.None);
    }

    /// <inheritdoc cref="Spawn(Action)" path="/*[not(self::param)]"/>
    /// <param name="body">What it does.</param>
    /// <param name="cancellationToken">Ends the wait for a place; a task that was started goes on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before there is a place, or the pool is being
    /// killed.</exception>
    public GreenTask Spawn(Action body, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask(body), cancellationToken);
    }

    /// <inheritdoc cref="Spawn(Action)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    public GreenTask<T> Spawn<T>(Func<T> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask<T>(body), CancellationToken.None);
    }

    /// <inheritdoc cref="Spawn{T}(Func{T})" path="/*[not(self::param)]"/>
    /// <param name="body">What it does.</param>
    /// <param name="cancellationToken">Ends the wait for a place; a task that was started goes on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before there is a place, or the pool is being
    /// killed.</exception>
    public GreenTask<T> Spawn<T>(Func<T> body, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask<T>(body), cancellationToken);
    }

    /// <summary>Starts a task whose body is asynchronous; waits while the pool is full. Its place is free again when what the body
    /// returned has completed. See <see cref="Hub.Spawn(Func{Task})"/>.</summary>
    /// <param name="body">What it does.</param>
    /// <returns>The task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The pool is being killed (<see cref="Kill"/>), or was while the caller
    /// waited.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public GreenTask Spawn(Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn<GreenTask>(new AsyncGreenTask(body), CancellationToken.None);
    }

    /// <inheritdoc cref="Spawn(Func{Task})" path="/*[not(self::param)]"/>
    /// <param name="body">What it does.</param>
    /// <param name="cancellationToken">Ends the wait for a place; a task that was started goes on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled before there is a place, or the pool is being
    /// killed.</exception>
    public GreenTask Spawn(Func<Task> body, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn<GreenTask>(new AsyncGreenTask(body), cancellationToken);
    }

    /// <inheritdoc cref="Spawn(Func{Task})" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    [OverloadResolutionPriority(1)]
    public GreenTask<T> Spawn<T>(Func<Task<T>?> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn<GreenTask<T>>(new AsyncGreenTask<T>(body), CancellationToken.None);
    }

    /// <inheritdoc cref="Spawn{T}(Func{Task{T}})" path="/*[not(self::param)]"/>
    /// <param name="body">What it does.</param>
    /// <param name="cancellationToken">Ends the wait for a place; a task that was started goes on.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled before there is a place, or the pool is being
    /// killed.</exception>
    [OverloadResolutionPriority(1)]
    public GreenTask<T> Spawn<T>(Func<Task<T>?> body, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn<GreenTask<T>>(new AsyncGreenTask<T>(body), cancellationToken);
    }

    /// <summary>Calls a function for each item, several at a time.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="function">The function.</param>
    /// <returns>The results, in the order of the items.</returns>
    /// <exception cref="Exception">What the function threw for the first item for which it threw; the others have ended,
    /// or were killed and have ended, too. The same goes for a kill or a timeout of the caller.</exception>
    public IReadOnlyList<TResult> Map<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function)
    {
        return MapAll(items, Creator(function));
    }

    /// <inheritdoc cref="Map{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="function">The function.</param>
    /// <param name="cancellationToken">When it is cancelled, no call begins any more, and those that go on are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public IReadOnlyList<TResult> Map<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Map(items, function);
    }

    /// <inheritdoc cref="Map{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})" path="/*[not(self::param)]"/>
    /// <param name="items">The items.</param>
    /// <param name="function">The function, which is asynchronous: each call lasts until what it returned has completed.</param>
    [OverloadResolutionPriority(1)]
    public IReadOnlyList<TResult> Map<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, Task<TResult>?> function)
    {
        return MapAll(items, AsyncCreator(function));
    }

    /// <inheritdoc cref="Map{TItem, TResult}(IEnumerable{TItem}, Func{TItem, Task{TResult}})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="function">The function, which is asynchronous: each call lasts until what it returned has completed.</param>
    /// <param name="cancellationToken">When it is cancelled, no call begins any more, and those that go on are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(1)]
    public IReadOnlyList<TResult> Map<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, Task<TResult>?> function, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Map(items, function);
    }

    /// <summary>Applies a function to items as <see cref="Map{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})"/> does,
    /// but gives each result as soon as it and all before it are there. The next items are
    /// taken while the results are used; never more than twice the pool's size are ahead of who uses them.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function.</param>
    /// <returns>The results, in the order of the items. To leave them (<c>break</c>, an exception, a kill, a timeout) ends what
    /// still runs, and waits for that: no call of the function begins any more, and all places are free again.</returns>
    public IEnumerable<TResult> MapInOrder<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function) =>
        MapLazily(items, Creator(function), isInOrder: true, CancellationToken.None);

    /// <inheritdoc cref="MapInOrder{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function.</param>
    /// <param name="cancellationToken">When it is cancelled, no call begins any more; the next result throws, and those calls that go on are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next result throws it.</exception>
    public IEnumerable<TResult> MapInOrder<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function, CancellationToken cancellationToken) =>
        MapLazily(items, Creator(function), isInOrder: true, cancellationToken);

    /// <inheritdoc cref="MapInOrder{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})" path="/*[not(self::param)]"/>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function, which is asynchronous: each call lasts until what it returned has completed.</param>
    [OverloadResolutionPriority(1)]
    public IEnumerable<TResult> MapInOrder<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, Task<TResult>?> function) =>
        MapLazily(items, AsyncCreator(function), isInOrder: true, CancellationToken.None);

    /// <inheritdoc cref="MapInOrder{TItem, TResult}(IEnumerable{TItem}, Func{TItem, Task{TResult}})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function, which is asynchronous: each call lasts until what it returned has completed.</param>
    /// <param name="cancellationToken">When it is cancelled, no call begins any more; the next result throws, and those calls that go on are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next result throws it.</exception>
    [OverloadResolutionPriority(1)]
    public IEnumerable<TResult> MapInOrder<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, Task<TResult>?> function, CancellationToken cancellationToken) =>
        MapLazily(items, AsyncCreator(function), isInOrder: true, cancellationToken);

    /// <summary>Applies a function to items as <see cref="MapInOrder{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})"/>
    /// does, but gives the results in the order in which they come.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function.</param>
    /// <returns>The results. Leaving them is as with <see cref="MapInOrder{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})"/>.</returns>
    public IEnumerable<TResult> MapUnordered<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function) =>
        MapLazily(items, Creator(function), isInOrder: false, CancellationToken.None);

    /// <inheritdoc cref="MapUnordered{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function.</param>
    /// <param name="cancellationToken">When it is cancelled, no call begins any more; the next result throws, and those calls that go on are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next result throws it.</exception>
    public IEnumerable<TResult> MapUnordered<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function, CancellationToken cancellationToken) =>
        MapLazily(items, Creator(function), isInOrder: false, cancellationToken);

    /// <inheritdoc cref="MapUnordered{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult})" path="/*[not(self::param)]"/>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function, which is asynchronous: each call lasts until what it returned has completed.</param>
    [OverloadResolutionPriority(1)]
    public IEnumerable<TResult> MapUnordered<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, Task<TResult>?> function) =>
        MapLazily(items, AsyncCreator(function), isInOrder: false, CancellationToken.None);

    /// <inheritdoc cref="MapUnordered{TItem, TResult}(IEnumerable{TItem}, Func{TItem, Task{TResult}})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function, which is asynchronous: each call lasts until what it returned has completed.</param>
    /// <param name="cancellationToken">When it is cancelled, no call begins any more; the next result throws, and those calls that go on are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next result throws it.</exception>
    [OverloadResolutionPriority(1)]
    public IEnumerable<TResult> MapUnordered<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, Task<TResult>?> function, CancellationToken cancellationToken) =>
        MapLazily(items, AsyncCreator(function), isInOrder: false, cancellationToken);

    /// <summary>Calls an action for each item, several at a time.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="action">The action.</param>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    public void ForEach<TItem>(IEnumerable<TItem> items, Action<TItem> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        MapAll(items, item => new GreenTask<object?>(() =>
        {
            action(item);
            return null;
        }));
    }

    /// <inheritdoc cref="ForEach{TItem}(IEnumerable{TItem}, Action{TItem})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="action">The action.</param>
    /// <param name="cancellationToken">When it is cancelled, no call begins any more, and those that go on are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void ForEach<TItem>(IEnumerable<TItem> items, Action<TItem> action, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        ForEach(items, action);
    }

    /// <summary>Calls an action that throws for each item.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="action">The action.</param>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void ForEach<TItem>(IEnumerable<TItem> items, Func<TItem, Never> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        ForEach(items, (TItem item) => { action(item); });
    }

    /// <inheritdoc cref="ForEach{TItem}(IEnumerable{TItem}, Func{TItem, Never})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="action">The action.</param>
    /// <param name="cancellationToken">When it is cancelled, no call begins any more, and those that go on are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void ForEach<TItem>(IEnumerable<TItem> items, Func<TItem, Never> action, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        ForEach(items, action);
    }

    /// <summary>Refuses an asynchronous action: nobody would wait for what it returns.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="action">The action.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete("ForEach does not await what an asynchronous action returns. Start a task for each item, pool.Spawn(async () => ...), and join the pool; or wait inside the action, Hub.Await(...).", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void ForEach<TItem>(IEnumerable<TItem> items, Func<TItem, Task> action) => throw new NotSupportedException("ForEach does not await what an asynchronous action returns.");

    /// <inheritdoc cref="ForEach{TItem}(IEnumerable{TItem}, Func{TItem, Task})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="action">The action.</param>
    /// <param name="cancellationToken">A token.</param>
    [Obsolete("ForEach does not await what an asynchronous action returns. Start a task for each item, pool.Spawn(async () => ...), and join the pool; or wait inside the action, Hub.Await(...).", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void ForEach<TItem>(IEnumerable<TItem> items, Func<TItem, Task> action, CancellationToken cancellationToken) => throw new NotSupportedException("ForEach does not await what an asynchronous action returns.");

    /// <summary>Waits until all its tasks have ended, also those that are started meanwhile. One of them that calls it waits for
    /// the others.</summary>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <returns>Whether all have.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and a task has not ended.</exception>
    public bool Join(TimeSpan? timeout = null) => Join(timeout, CancellationToken.None);

    /// <summary>Waits until all its tasks have ended, also those that are started meanwhile. One of them that calls it waits for
    /// the others.</summary>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled; the tasks go on.</param>
    /// <returns>Whether all have.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and a task has not ended.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool Join(TimeSpan? timeout, CancellationToken cancellationToken)
    {
        TimeSpan patience = timeout ?? Timeout.InfiniteTimeSpan;
        HubClock.Check(patience, nameof(timeout));
        Hub.ThrowPending();
        cancellationToken.ThrowIfCancellationRequested();
        long due = HubClock.After(patience);
        while (SnapshotOfOthers() is { Length: > 0 } tasks)
        {
            foreach (GreenTask task in tasks)
            {
                TimeSpan left = due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(Math.Max(0, due - HubClock.Now));
                if (!task.Join(left, cancellationToken))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <inheritdoc cref="Join(TimeSpan?)" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Join(CancellationToken cancellationToken) => Join(null, cancellationToken);

    /// <summary>
    /// Kills all its tasks and waits until they have ended. Who waits for a place, or asks for one meanwhile, gets an
    /// <see cref="OperationCanceledException"/>; afterwards the pool can be used again.
    /// </summary>
    /// <remarks>One of its tasks may call it, too: it waits for the others, this returns, and the caller's next wait throws
    /// what the others were killed by.</remarks>
    /// <param name="exception">What to throw; null stands for <see cref="GreenletExit"/>.</param>
    /// <param name="timeout">How long to wait at most; null for no limit, zero for not at all.</param>
    /// <returns>Whether all have ended, but for the caller.</returns>
    public bool Kill(Exception? exception = null, TimeSpan? timeout = null) => KillMembers(exception, timeout, withCaller: true);

    /// <summary>The same; the caller may be left alone if it is one of them.</summary>
    internal bool KillMembers(Exception? exception, TimeSpan? timeout, bool withCaller)
    {
        HubClock.Check(timeout ?? Timeout.InfiniteTimeSpan, nameof(timeout));
        lock (_tasks)
        {
            _kills++;
            _killed++;
        }

        bool isCallerKilled = false;
        try
        {
            _places.RefuseAll();
            isCallerKilled = GreenTask.KillAll(Snapshot(), exception, withCaller: false) && withCaller;
            return timeout == TimeSpan.Zero || HubLoop.OfThisThreadOrNull?.CurrentTask is null ? SnapshotOfOthers().Length == 0 : Join(timeout);
        }
        finally
        {
            lock (_tasks)
            {
                _kills--;
            }

            // Unless it has been killed meanwhile by somebody else.
            if (isCallerKilled && Hub.RequireTask() is { WasKilled: false } self)
            {
                self.KillHere(exception ?? new GreenletExit());
            }
        }
    }

    /// <summary>Waits for a place for something that runs elsewhere.</summary>
    internal void TakePlace()
    {
        ((IShared)_places).Room.Share();
        // It is none of the pool's tasks: that these are killed changes nothing.
        while (_places.Take(Timeout.InfiniteTimeSpan, CancellationToken.None) == SemaphoreResult.Refused)
        {
        }
    }

    /// <summary>Gives such a place back; from any thread.</summary>
    internal void ReturnPlace() => _places.Release();

    /// <summary>Starts a task in a place that was taken. It returns the place, even if it could not be started.</summary>
    internal GreenTask SpawnInPlace(Action body) => SpawnInPlace(new GreenTask(body), null);

    private IReadOnlyList<TResult> MapAll<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, GreenTask<TResult>> create)
    {
        ArgumentNullException.ThrowIfNull(items);
        Hub.EnterWait();
        List<GreenTask<TResult>> tasks = [];
        Exception failure;
        try
        {
            foreach (TItem item in items)
            {
                GreenTask<TResult> task = create(item);
                task.Observe();
                tasks.Add(Spawn(task, CancellationToken.None));
            }

            return [.. tasks.Select(task => task.Result)];
        }
        catch (Exception exception)
        {
            failure = exception; // nothing waits inside a catch block
        }

        ExceptionDispatchInfo.Throw(End(tasks, failure)!);
        return [];
    }

    private static Func<TItem, GreenTask<TResult>> Creator<TItem, TResult>(Func<TItem, TResult> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return item => new GreenTask<TResult>(() => function(item));
    }

    private static Func<TItem, GreenTask<TResult>> AsyncCreator<TItem, TResult>(Func<TItem, Task<TResult>?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return item => new AsyncGreenTask<TResult>(() => function(item));
    }

    private TaskSequence<TResult> MapLazily<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, GreenTask<TResult>> create, bool isInOrder, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new TaskSequence<TResult>(Enumerate());

        IEnumerable<TResult> Enumerate()
        {
            Hub.EnterWait();
            cancellationToken.ThrowIfCancellationRequested();
            HashSet<GreenTask> running = [];
            GreenQueue<GreenTask<TResult>> results = new();
            GreenSemaphore ahead = new(2 * Size);
            ((IShared)results).Room.IsInternal = true;
            ((IShared)ahead).Room.IsInternal = true;
            int unfinished = 1; // and the feeder itself
            bool isLeft = false;
            GreenTask feeder = new(() =>
            {
                foreach (TItem item in items)
                {
                    ahead.Wait(cancellationToken);
                    GreenTask<TResult> task = create(item);
                    task.Observe();
                    Spawn(task, cancellationToken);
                    if (isLeft)
                    {
                        // It had its place already when it was killed. The task has not begun: so it never will.
                        task.Kill(timeout: TimeSpan.Zero);
                        return;
                    }

                    running.Add(task);
                    unfinished++;
                    task.OnCompleted(_ => Finish(task));
                    if (isInOrder)
                    {
                        results.Put(task);
                    }
                }
            });
            feeder.Observe();
            feeder.OnCompleted(_ => Finish(null));
            Hub.Spawn(feeder);
            try
            {
                foreach (GreenTask<TResult> task in results.GetAll(cancellationToken))
                {
                    if (cancellationToken.CanBeCanceled)
                    {
                        task.Join(cancellationToken);
                    }

                    yield return task.Result;
                    ahead.Release();
                }

                feeder.ThrowIfFailed();
            }
            finally
            {
                isLeft = true;
                if (unfinished != 0 && End([feeder, .. running], null) is { } reason)
                {
                    ExceptionDispatchInfo.Throw(reason);
                }
            }

            void Finish(GreenTask<TResult>? task)
            {
                if (task is not null && running.Remove(task) && !isInOrder)
                {
                    results.Put(task, CancellationToken.None); // never full
                }

                if (--unfinished == 0)
                {
                    results.Complete();
                }
            }
        }
    }

    private static OperationCanceledException Refusal() => new("The pool's tasks are being killed; nothing is started in it meanwhile.");

    // Kills them, all of them first, and waits until they have ended. Of what would end that wait, and the reason for it, the one that
    // goes up farthest.
    private static Exception? End(IEnumerable<GreenTask> tasks, Exception? reason)
    {
        GreenTask[] all = [.. tasks];
        GreenTask.KillAll(all, null);
        return !Hub.IsInside ? reason : Hub.WaitForEnd(Hub.RequireTask(), reason, long.MaxValue, _ =>
        {
            Array.ForEach(all, task => task.Join());
            return true;
        });
    }

    private GreenTask[] Snapshot()
    {
        lock (_tasks)
        {
            return [.. _tasks];
        }
    }

    private GreenTask[] SnapshotOfOthers()
    {
        GreenTask? self = HubLoop.OfThisThreadOrNull?.CurrentTask;
        GreenTask[] all = Snapshot();
        return self is null ? all : Array.FindAll(all, task => task != self);
    }

    private TTask Spawn<TTask>(TTask task, CancellationToken cancellationToken)
        where TTask : GreenTask
    {
        Hub.EnterWait();
        long killed;
        lock (_tasks)
        {
            killed = _kills == 0 ? _killed : throw Refusal();
        }

        return _places.Take(Timeout.InfiniteTimeSpan, cancellationToken) == SemaphoreResult.Taken ? SpawnInPlace(task, killed) : throw Refusal();
    }

    // Unless the pool has been killed since then.
    private TTask SpawnInPlace<TTask>(TTask task, long? killed)
        where TTask : GreenTask
    {
        bool isRefused;
        lock (_tasks)
        {
            isRefused = killed is not null && killed != _killed;
            if (!isRefused)
            {
                _tasks.Add(task);
            }
        }

        if (isRefused)
        {
            _places.Release();
            throw Refusal();
        }

        // Before it is spawned: at its very end, whatever that is, its place is free again.
        task.WhenCompleted = Leave;
        bool isSpawned = false;
        try
        {
            Hub.Spawn(task);
            isSpawned = true;
        }
        finally
        {
            if (!isSpawned)
            {
                Leave(task);
            }
        }

        return task;
    }

    private void Leave(GreenTask task)
    {
        lock (_tasks)
        {
            _tasks.Remove(task);
        }

        _places.Release();
    }
}
