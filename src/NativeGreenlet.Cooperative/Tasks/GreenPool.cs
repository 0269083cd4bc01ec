namespace NativeGreenlet.Cooperative;

/// <summary>Tasks of which no more than a number run at a time: <see cref="Spawn(Action)"/> waits for a free place.</summary>
public sealed class GreenPool
{
    private readonly GreenSemaphore _places;
    private readonly HashSet<GreenTask> _tasks = [];

    /// <summary>Creates a pool.</summary>
    /// <param name="size">How many tasks run at a time at most.</param>
    public GreenPool(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        Size = size;
        _places = new GreenSemaphore(size, size);
        ((IShared)_places).Room.IsInternal = true;
    }

    /// <summary>How many tasks run at a time at most.</summary>
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
    public GreenTask Spawn(Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask(body));
    }

    /// <inheritdoc cref="Spawn(Action)"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    public GreenTask<T> Spawn<T>(Func<T> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask<T>(body));
    }

    /// <summary>Calls a function for each item, several at a time.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="function">The function.</param>
    /// <returns>The results, in the order of the items.</returns>
    /// <exception cref="Exception">What the function threw for the first item for which it threw; the others have ended,
    /// or were killed.</exception>
    public IReadOnlyList<TResult> Map<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(function);
        List<GreenTask<TResult>> tasks = [];
        bool isDone = false;
        try
        {
            foreach (TItem item in items)
            {
                GreenTask<TResult> task = new(() => function(item));
                task.Observe();
                tasks.Add(Spawn(task));
            }

            List<TResult> results = [.. tasks.Select(task => task.Result)];
            isDone = true;
            return results;
        }
        finally
        {
            if (!isDone)
            {
                tasks.ForEach(task => task.Kill(timeout: TimeSpan.Zero));
            }
        }
    }

    /// <summary>As <see cref="Map"/>, but gives each result as soon as it and all before it are there. The next items are
    /// taken while the results are used; never more than twice the pool's size are ahead of who uses them.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function.</param>
    /// <returns>The results, in the order of the items. To leave them ends what still runs; so does an exception.</returns>
    public IEnumerable<TResult> MapInOrder<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function) =>
        MapLazily(items, function, isInOrder: true);

    /// <summary>As <see cref="MapInOrder"/>, but gives the results in the order in which they come.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken by a task of its own.</param>
    /// <param name="function">The function.</param>
    /// <returns>The results. To leave them ends what still runs; so does an exception.</returns>
    public IEnumerable<TResult> MapUnordered<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function) =>
        MapLazily(items, function, isInOrder: false);

    /// <summary>Calls an action for each item, several at a time.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="action">The action.</param>
    public void ForEach<TItem>(IEnumerable<TItem> items, Action<TItem> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Map<TItem, object?>(
            items,
            item =>
            {
                action(item);
                return null;
            });
    }

    /// <summary>Waits until all its tasks have ended, also those that are started meanwhile.</summary>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <returns>Whether all have.</returns>
    public bool Join(TimeSpan? timeout = null)
    {
        TimeSpan patience = timeout ?? Timeout.InfiniteTimeSpan;
        HubClock.Check(patience, nameof(timeout));
        long due = HubClock.After(patience);
        while (Snapshot() is { Length: > 0 } tasks)
        {
            foreach (GreenTask task in tasks)
            {
                TimeSpan left = due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(Math.Max(0, due - HubClock.Now));
                if (!task.Join(left))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Kills all its tasks and waits until they have ended.</summary>
    /// <param name="exception">What to throw; null stands for <see cref="GreenletExit"/>.</param>
    /// <param name="timeout">How long to wait at most; null for no limit, zero for not at all.</param>
    /// <returns>Whether all have ended.</returns>
    public bool Kill(Exception? exception = null, TimeSpan? timeout = null)
    {
        foreach (GreenTask task in Snapshot())
        {
            task.Kill(exception, TimeSpan.Zero);
        }

        return Join(timeout);
    }

    /// <summary>Waits for a place for something that runs elsewhere.</summary>
    internal void TakePlace()
    {
        ((IShared)_places).Room.Share();
        _places.Wait();
    }

    /// <summary>Gives such a place back; from any thread.</summary>
    internal void ReturnPlace() => _places.Release();

    /// <summary>Starts a task in a place that was taken. It returns the place, even if it could not be started.</summary>
    internal GreenTask SpawnInPlace(Action body) => SpawnInPlace(new GreenTask(body));

    private IEnumerable<TResult> MapLazily<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function, bool isInOrder)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(function);
        return Enumerate();

        IEnumerable<TResult> Enumerate()
        {
            HashSet<GreenTask> running = [];
            GreenQueue<GreenTask<TResult>> results = new();
            GreenSemaphore ahead = new(2 * Size);
            ((IShared)results).Room.IsInternal = true;
            ((IShared)ahead).Room.IsInternal = true;
            int unfinished = 1; // and the feeder itself
            GreenTask feeder = new(() =>
            {
                foreach (TItem item in items)
                {
                    ahead.Wait();
                    GreenTask<TResult> task = new(() => function(item));
                    task.Observe();
                    Spawn(task);
                    running.Add(task);
                    unfinished++;
                    if (isInOrder)
                    {
                        results.Put(task);
                    }

                    task.OnCompleted(_ => Finish(task));
                }
            });
            feeder.Observe();
            feeder.OnCompleted(_ => Finish(null));
            Hub.Spawn(feeder);
            try
            {
                foreach (GreenTask<TResult> task in results.GetAll())
                {
                    yield return task.Result;
                    ahead.Release();
                }

                feeder.ThrowIfFailed();
            }
            finally
            {
                feeder.Kill(timeout: TimeSpan.Zero);
                foreach (GreenTask task in running)
                {
                    task.Kill(timeout: TimeSpan.Zero);
                }
            }

            void Finish(GreenTask<TResult>? task)
            {
                if (task is not null && running.Remove(task) && !isInOrder)
                {
                    results.Put(task);
                }

                if (--unfinished == 0)
                {
                    results.Complete();
                }
            }
        }
    }

    private GreenTask[] Snapshot()
    {
        lock (_tasks)
        {
            return [.. _tasks];
        }
    }

    private TTask Spawn<TTask>(TTask task)
        where TTask : GreenTask
    {
        _ = Hub.RequireTask();
        _places.Wait();
        return SpawnInPlace(task);
    }

    private TTask SpawnInPlace<TTask>(TTask task)
        where TTask : GreenTask
    {
        lock (_tasks)
        {
            _tasks.Add(task);
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
