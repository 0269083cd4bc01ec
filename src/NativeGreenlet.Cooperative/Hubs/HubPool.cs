using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative;

/// <summary>A few threads with a hub each, and many runs in every one. What is run goes to the hub with the fewest.</summary>
/// <example><code>
/// await using HubPool pool = new(size: 4); // four threads, any number of tasks
/// await pool.RunAsync(() =&gt; Hub.Sleep(TimeSpan.FromSeconds(1)));
/// </code></example>
public sealed class HubPool : IDisposable, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Hub?[] _hubs;
    private readonly HubOptions _options;
    private readonly string _name;
    private uint _next;
    private bool _isDisposed;

    /// <summary>Creates a pool; its threads are started as they are needed.</summary>
    /// <param name="size">How many hubs at most; null for one for each processor.</param>
    /// <param name="name">A name for diagnostics: of the hubs, with a number, and of their threads.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public HubPool(int? size = null, string? name = null)
        : this(new HubOptions { Name = name }, size, isDefault: true)
    {
    }

    /// <summary>Creates a pool of hubs that behave in a certain way; its threads are started as they are needed.</summary>
    /// <param name="options">How its hubs behave; their name is followed by a number.</param>
    /// <param name="size">How many hubs at most; null for one for each processor.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public HubPool(HubOptions options, int? size = null)
        : this(options, size, isDefault: false)
    {
    }

    private HubPool(HubOptions options, int? size, bool isDefault)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size ?? 1, nameof(size));
        _hubs = new Hub?[size ?? Environment.ProcessorCount];
        _name = options.Name ?? "hub";
        _options = (isDefault ? HubOptions.Default : options).Copy();
        _options.Name = null;
    }

    /// <summary>Gets the pool of <see cref="Hub.RunAsync(Action, CancellationToken)"/>, one hub for each processor. It cannot be
    /// disposed of.</summary>
    public static HubPool Shared { get; } = new();

    /// <summary>Gets how many hubs the pool has at most.</summary>
    public int Size => _hubs.Length;

    /// <summary>Gets all hubs; starts those that were not needed yet.</summary>
    /// <exception cref="ObjectDisposedException">The pool has been disposed of.</exception>
    public IReadOnlyList<Hub> Hubs
    {
        get
        {
            lock (_lock)
            {
                return [.. Enumerable.Range(0, _hubs.Length).Select(index => Get((uint)index))];
            }
        }
    }

    /// <summary>Gets the number of runs that go on or wait to begin.</summary>
    public int PendingRuns => _hubs.Sum(hub => hub?.PendingRuns ?? 0);

    /// <summary>Runs a main task in the hub with the fewest runs; from any thread. It and what it spawns hold no thread while
    /// they wait.</summary>
    /// <param name="main">The main task.</param>
    /// <param name="cancellationToken">Makes its next wait throw an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A task that completes when the main task has ended, and all that it spawned.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The pool has been disposed of.</exception>
    /// <exception cref="OutOfMemoryException">The hub has no thread yet, and cannot have one.</exception>
    public Task RunAsync(Action main, CancellationToken cancellationToken = default) =>
        Choose().InvokeAsync(main, cancellationToken);

    /// <inheritdoc cref="RunAsync(Action, CancellationToken)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    public Task<T> RunAsync<T>(Func<T> main, CancellationToken cancellationToken = default) =>
        Choose().InvokeAsync(main, cancellationToken);

    /// <summary>Runs a main task as <see cref="RunAsync(Action, CancellationToken)"/> does, with an asynchronous main task, which ends when what it
    /// returned has completed. What comes after an <c>await</c> is in the hub, too, and may wait there.</summary>
    /// <remarks>This is how ASP.NET Core's requests run; a server of one's own can do the same.</remarks>
    /// <param name="main">The main task.</param>
    /// <param name="cancellationToken">Makes the wait in the hub that it is in, or its next one, throw an
    /// <see cref="OperationCanceledException"/>. An <c>await</c> goes on: give what is awaited the token.</param>
    /// <returns>A task that completes when the main task has ended, and all that it spawned.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The pool has been disposed of.</exception>
    /// <exception cref="OutOfMemoryException">The hub has no thread yet, and cannot have one.</exception>
    public Task RunAsync(Func<Task> main, CancellationToken cancellationToken = default) =>
        Choose().InvokeAsync(main, cancellationToken);

    /// <inheritdoc cref="RunAsync(Func{Task}, CancellationToken)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    [OverloadResolutionPriority(1)]
    public Task<T> RunAsync<T>(Func<Task<T>?> main, CancellationToken cancellationToken = default) =>
        Choose().InvokeAsync(main, cancellationToken);

    /// <summary>Calls a function for each item in one hub, several at a time, and gives <c>async</c> code the results as they
    /// come. The next items are taken meanwhile; never more than twice the limit are ahead of who uses the
    /// results.</summary>
    /// <typeparam name="TItem">The type of the items.</typeparam>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="items">The items; taken in the hub.</param>
    /// <param name="function">The function.</param>
    /// <param name="limit">How many calls go on at a time at most.</param>
    /// <param name="isInOrder">Whether the results are in the order of the items; else each is given when it comes.</param>
    /// <param name="cancellationToken">Ends it by an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The results. To leave them ends what still runs; so does an exception, which is thrown as it is. When the
    /// enumeration is over nothing runs any more.</returns>
    /// <exception cref="ArgumentNullException">The items or the function are null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is not positive.</exception>
    public IAsyncEnumerable<TResult> MapAsync<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> function, int limit, bool isInOrder = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        return MapAsync(items, pool => isInOrder ? pool.MapInOrder(items, function) : pool.MapUnordered(items, function), limit, cancellationToken);
    }

    /// <inheritdoc cref="MapAsync{TItem, TResult}(IEnumerable{TItem}, Func{TItem, TResult}, int, bool, CancellationToken)" path="/*[not(self::param)]"/>
    /// <param name="items">The items; taken in the hub.</param>
    /// <param name="function">The function, which is asynchronous: each call lasts until what it returned has completed.</param>
    /// <param name="limit">How many calls go on at a time at most.</param>
    /// <param name="isInOrder">Whether the results are in the order of the items; else each is given when it comes.</param>
    /// <param name="cancellationToken">Ends it by an <see cref="OperationCanceledException"/>.</param>
    [OverloadResolutionPriority(1)]
    public IAsyncEnumerable<TResult> MapAsync<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, Task<TResult>?> function, int limit, bool isInOrder = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        return MapAsync(items, pool => isInOrder ? pool.MapInOrder(items, function) : pool.MapUnordered(items, function), limit, cancellationToken);
    }

    private IAsyncEnumerable<TResult> MapAsync<TItem, TResult>(IEnumerable<TItem> items, Func<GreenPool, IEnumerable<TResult>> map, int limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return EnumerateAsync(cancellationToken);

        async IAsyncEnumerable<TResult> EnumerateAsync([EnumeratorCancellation] CancellationToken token)
        {
            using CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(token);
            Channel<TResult> results = Channel.CreateBounded<TResult>(1);
            Task run = RunAsync(Feed, leaving.Token);
            _ = run.ContinueWith(_ => results.Writer.Complete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            bool isLeft = true;
            try
            {
                await foreach (TResult result in results.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
                {
                    yield return result;
                }

                isLeft = false;
            }
            finally
            {
                if (isLeft)
                {
                    await leaving.CancelAsync().ConfigureAwait(false);
                    await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }

            await run.ConfigureAwait(false);

            void Feed()
            {
                GreenPool pool = new(limit);
                foreach (TResult result in map(pool))
                {
                    Hub.Await(token => results.Writer.WriteAsync(result, token), CancellationToken.None); // its run is canceled
                }
            }
        }
    }

    /// <summary>Ends the hubs: kills their tasks, whose <c>finally</c> blocks run, and returns when all have ended. Called in one
    /// of its hubs, it waits for the others, that one is the last, and the caller is killed at its next wait.</summary>
    /// <exception cref="InvalidOperationException">It is the shared pool.</exception>
    public void Dispose()
    {
        Hub? own = Own;
        Task ended = EndAsync(own);
        try
        {
            if (HubLoop.OfThisThreadOrNull is not null)
            {
                Hub.Await(ended);
            }
            else
            {
                ended.Wait();
            }
        }
        finally
        {
            own?.EndAsync();
        }
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Hub? own = Own;
        Task ended = EndAsync(own);
        return own is null ? new ValueTask(ended) : new ValueTask(EndLastAsync());

        async Task EndLastAsync()
        {
            await ended.ConfigureAwait(false);
            _ = own.EndAsync();
        }
    }

    /// <summary>Gets what is done with each hub when its thread has started, before it has anything to run: it subscribes to the hub's
    /// events, say. It must not throw.</summary>
    public Action<Hub>? OnHubStarted { get; init; }

    /// <summary>How many the hub with the fewest has.</summary>
    internal int FewestRuns => _hubs.Min(hub => hub?.PendingRuns ?? 0);

    /// <summary>Whether a thread could not be started, which may pass.</summary>
    internal static bool IsWantOfThread(Exception exception) => exception is OutOfMemoryException or ThreadStartException;

    /// <summary>The hub with the fewest runs. One that is needed and for which there is no thread is tried again the next
    /// time.</summary>
    internal Hub Choose()
    {
        lock (_lock)
        {
            Hub? best = null;
            ExceptionDispatchInfo? failure = null;
            for (uint i = 0; i < _hubs.Length; i++)
            {
                Hub? hub = TryGet((uint)((_next + i) % _hubs.Length), ref failure);
                if (hub is null)
                {
                    continue;
                }

                if (best is null || hub.PendingRuns < best.PendingRuns)
                {
                    best = hub;
                }

                if (hub.PendingRuns == 0)
                {
                    break; // idle, or just made: no need to make more
                }
            }

            _next++;
            if (best is null)
            {
                failure!.Throw();
            }

            return best;
        }
    }

    /// <summary>Whether a hub is one of these.</summary>
    internal bool Has(Hub hub) => Array.IndexOf(_hubs, hub) >= 0;

    // Null if there is no thread for it; none is tried for a second one then.
    private Hub? TryGet(uint index, ref ExceptionDispatchInfo? failure)
    {
        if (failure is not null && _hubs[index] is null)
        {
            return null;
        }

        try
        {
            return Get(index);
        }
        catch (Exception exception) when (IsWantOfThread(exception))
        {
            failure = ExceptionDispatchInfo.Capture(exception);
            return null;
        }
    }

    private Hub Get(uint index)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_hubs[index] is not { HasEnded: false } hub)
        {
            hub = Hub.StartPooled(_options, $"{_name} {index}");
            OnHubStarted?.Invoke(hub);
            _hubs[index] = hub;
        }

        return hub;
    }

    // That which the caller is in, if it is one of them.
    private Hub? Own => Hub.OfThisThreadOrNull is { } here && Array.IndexOf(_hubs, here) >= 0 ? here : null;

    /// <summary>Asks all hubs to end, but one that the caller ends itself. The task is that of the others' end.</summary>
    internal Task EndAsync(Hub? except)
    {
        if (this == Shared)
        {
            throw new InvalidOperationException("The pool of Hub.RunAsync is shared; it cannot be disposed of. Make one of your own with new HubPool().");
        }

        lock (_lock)
        {
            _isDisposed = true;
            return Task.WhenAll(_hubs.OfType<Hub>().Where(hub => hub != except).Select(hub => hub.EndAsync()));
        }
    }
}
