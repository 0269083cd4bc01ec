using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Threads for what blocks: those of <see cref="Hub.Offload(Action)"/>. Unlike the thread pool of .NET, which adds a thread or two a
/// second, it starts one as soon as something waits for it, up to a limit, and ends those that have had nothing to do for a
/// while.
/// </summary>
/// <remarks>What is one too many waits in a queue, the first come first. Work that itself waits for other work of the same pool can
/// use up all its threads: give the inner one a pool of its own. Only an <c>Offload</c> that is called directly on a thread of the pool, in a hub
/// there, has a thread beyond the limit. The meter <c>NativeGreenlet.Cooperative</c> has the threads and the queues of all pools.</remarks>
/// <example><code>
/// OffloadPool database = new(mostThreads: 100, name: "database"); // as many as it has connections
/// Hub.Run(() => Hub.Offload(() => Thread.Sleep(100)), new HubOptions { OffloadPool = database });
/// </code></example>
public sealed class OffloadPool
{
    /// <summary>How many threads <see cref="Shared"/> has at most.</summary>
    internal const int MostShared = 256;

    private static readonly TimeSpan s_idleTime = TimeSpan.FromSeconds(20);

    private readonly OffloadScheduler _scheduler;

    /// <summary>Creates a pool. Its threads are started as they are needed, and end by themselves.</summary>
    /// <param name="mostThreads">How many threads at most.</param>
    /// <param name="idleTime">After how long a thread that has nothing to do ends; null for 20 seconds.</param>
    /// <param name="name">A name for diagnostics: of the threads.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="mostThreads"/> is not positive, or the time is negative or longer
    /// than 24 days.</exception>
    public OffloadPool(int mostThreads, TimeSpan? idleTime = null, string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(mostThreads);
        TimeSpan idle = idleTime ?? s_idleTime;
        ArgumentOutOfRangeException.ThrowIfLessThan(idle, TimeSpan.Zero, nameof(idleTime));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(idle, TimeSpan.FromMilliseconds(int.MaxValue), nameof(idleTime));
        MostThreads = mostThreads;
        _scheduler = new OffloadScheduler(mostThreads, idle, name ?? "offload");
    }

    /// <summary>Gets the pool of hubs that were given no other one. It has up to 256 threads.</summary>
    public static OffloadPool Shared { get; } = new(MostShared);

    /// <summary>Gets how many threads the pool has at most.</summary>
    public int MostThreads { get; }

    /// <summary>Gets how many threads it has now.</summary>
    public int ThreadCount => _scheduler.ThreadCount;

    /// <summary>Gets how many functions wait for a thread.</summary>
    public int QueueLength => _scheduler.QueueLength;

    /// <summary>For tests.</summary>
    internal OffloadScheduler Scheduler => _scheduler;

    /// <summary>Begins something on a thread of the pool, as <see cref="Task.Run(Action)"/> does on the thread pool.</summary>
    internal Task Run(Action blocking) => Task.Factory.StartNew(blocking, CancellationToken.None, OffloadScheduler.Options, _scheduler);

    /// <summary>The same of something with a result.</summary>
    internal Task<T> Run<T>(Func<T> blocking) => Task.Factory.StartNew(blocking, CancellationToken.None, OffloadScheduler.Options, _scheduler);
}
