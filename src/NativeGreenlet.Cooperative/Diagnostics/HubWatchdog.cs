using System.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Watches hubs from a thread of its own, and tells who keeps one from going on: a task that blocks its thread, or
/// computes for too long.
/// </summary>
/// <remarks>Each block is told twice: while it lasts, with the task, from the watchdog's thread; and, from the hub's, when the
/// task next waits, with its stack trace, or ends. Many tasks that run for a short time each, and together keep the hub from what
/// can go on, are told once, until it has kept up again. Several watchdogs may watch the same hub: each is told.</remarks>
/// <example><code>
/// using HubWatchdog watchdog = new(TimeSpan.FromMilliseconds(200));
/// watchdog.Blocked += (_, e) => Console.WriteLine($"{e.Task} blocks {e.Hub.Name}: {e.StackTrace}");
/// watchdog.Start();
/// </code></example>
public sealed class HubWatchdog : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly Func<Hub, bool> _watches;
    private readonly ManualResetEventSlim _stop = new();
    private readonly object _telling = new(); // while a handler runs, in whichever thread
    private volatile bool _isStopped;
    private readonly Thread _thread;
    private readonly Lock _starting = new();
    private bool _isStarted;
    private readonly Dictionary<HubLoop, Sight> _seen = [];

    /// <summary>Makes a watchdog; <see cref="Start"/> starts it.</summary>
    /// <param name="limit">How long a task may run without waiting; null for 100 milliseconds.</param>
    /// <param name="hubs">Which hubs it watches; null for all of the process, also those that are made later.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is less than a millisecond.</exception>
    public HubWatchdog(TimeSpan? limit = null, IEnumerable<Hub>? hubs = null)
        : this(limit ?? TimeSpan.FromMilliseconds(100), hubs is null ? static _ => true : hubs.ToHashSet().Contains)
    {
    }

    /// <summary>Makes a watchdog of the hubs of a pool, also those that are started later; <see cref="Start"/> starts it.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="limit">How long a task may run without waiting; null for 100 milliseconds.</param>
    /// <exception cref="ArgumentNullException"><paramref name="pool"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The limit is less than a millisecond.</exception>
    public HubWatchdog(HubPool pool, TimeSpan? limit = null)
        : this(limit ?? TimeSpan.FromMilliseconds(100), (pool ?? throw new ArgumentNullException(nameof(pool))).Has)
    {
    }

    private HubWatchdog(TimeSpan limit, Func<Hub, bool> watches)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.FromMilliseconds(1), nameof(limit));
        _limit = limit;
        _watches = watches;
        _thread = new Thread(Watch)
        {
            IsBackground = true,
            Name = "hub watchdog",
        };
    }

    /// <summary>Occurs when a hub is blocked, and once more, with a stack trace, when the task that blocked it next waits.
    /// Raised in the watchdog's thread, the second time in the hub's.</summary>
    public event EventHandler<HubBlockedEventArgs>? Blocked;

    /// <summary>Starts to watch. Does nothing if it was started already.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    /// <exception cref="OutOfMemoryException">There is no thread for it.</exception>
    public void Start()
    {
        lock (_starting)
        {
            ObjectDisposedException.ThrowIf(_stop.IsSet, this);
            if (!_isStarted)
            {
                _thread.UnsafeStart();
                _isStarted = true;
            }
        }
    }

    /// <summary>Ends it: when this returns, no handler begins any more, and none goes on but the caller. Inside a hub it parks
    /// until then; a callback in a hub cannot wait, so there a handler may go on a moment longer.</summary>
    public void Dispose()
    {
        lock (_starting)
        {
            _stop.Set();
            if (!_isStarted)
            {
                return;
            }
        }

        if (Monitor.IsEntered(_telling))
        {
            _isStopped = true; // a handler disposes of it
            return;
        }

        // The thread may be inside a handler, and that inside anything.
        if (HubLoop.OfThisThreadOrNull is null)
        {
            End();
        }
        else if (Hub.IsInside)
        {
            Hub.Await(Task.Run(End));
        }
        else
        {
            _isStopped = true;
        }
    }

    private void End()
    {
        _thread.Join();
        lock (_telling)
        {
            _isStopped = true;
        }
    }

    private void Watch()
    {
        while (!_stop.Wait(_limit / 4))
        {
            HubLoop[] hubs = [.. HubRegistry.All.Where(hub => _watches(hub.Hub))];
            foreach (HubLoop gone in _seen.Keys.Except(hubs).ToArray())
            {
                _seen.Remove(gone);
            }

            foreach (HubLoop hub in hubs)
            {
                Look(hub);
            }
        }
    }

    private void Look(HubLoop hub)
    {
        long now = Stopwatch.GetElapsedTime(0).Ticks;
        long switches = hub.Switches;
        if (!_seen.TryGetValue(hub, out Sight? seen))
        {
            _seen[hub] = seen = new Sight();
            seen.Begin(switches, now);
        }

        if (hub.IsAsleep)
        {
            seen.Begin(switches, now);
            seen.Turn = null;
            seen.IsCrowded = false;
            return;
        }

        LookAtTurn(hub, seen, switches, now);
        if (seen.Switches != switches)
        {
            seen.Begin(switches, now);
            return;
        }

        TimeSpan duration = TimeSpan.FromTicks(now - seen.Since);
        if (seen.IsTold || duration < _limit)
        {
            return;
        }

        seen.IsTold = true;
        seen.Turn?.IsBlocked = true;
        GreenTask? task = hub.CurrentTask ?? hub.PinnedTask;
        string? pinnedBy = hub.PinnedBy;
        if (task is not null)
        {
            long since = seen.Since;
            task.TellWhereNext(trace => Tell(new HubBlockedEventArgs(
                trace is null ? HubBlock.Ended : HubBlock.Waits,
                hub.Hub,
                task,
                TimeSpan.FromTicks(Stopwatch.GetElapsedTime(0).Ticks - since),
                trace ?? task.SpawnStack,
                pinnedBy)));
        }

        Tell(new HubBlockedEventArgs(HubBlock.Lasts, hub.Hub, task, duration, null, pinnedBy));
    }

    // Something is put last into the hub's queue, to see when its turn comes. Not into that of one that sleeps, also below a task whose stack
    // cannot be left: that would wake it, and look as if it went on.
    private void LookAtTurn(HubLoop hub, Sight seen, long switches, long now)
    {
        if (hub.PinnedTask is not null)
        {
            seen.Turn = null;
            return;
        }

        if (seen.Turn is not { HasCome: false } turn)
        {
            if (seen.Turn is { IsLate: false })
            {
                seen.IsCrowded = false; // it has kept up
            }

            turn = new Turn(switches, now);
            seen.Turn = hub.TryPost(turn.Come) ? turn : null;
            return;
        }

        TimeSpan duration = TimeSpan.FromTicks(now - turn.Since);
        if (duration < _limit)
        {
            return;
        }

        turn.IsLate = true;
        if (!seen.IsCrowded && !turn.IsBlocked && switches - turn.Switches > 1)
        {
            seen.IsCrowded = true;
            Tell(new HubBlockedEventArgs(HubBlock.Crowded, hub.Hub, null, duration, null) { Resumptions = switches - turn.Switches });
        }
    }

    private void Tell(HubBlockedEventArgs report)
    {
        lock (_telling)
        {
            if (_isStopped)
            {
                return;
            }

            try
            {
                Blocked?.Invoke(this, report);
            }
            catch (Exception exception)
            {
                Trace.WriteLine($"A handler of {nameof(HubWatchdog)}.{nameof(Blocked)} failed: {exception}");
            }
        }
    }

    /// <summary>What was seen of a hub.</summary>
    private sealed class Sight
    {
        public long Switches { get; private set; }

        /// <summary>Since when it has not changed.</summary>
        public long Since { get; private set; }

        public bool IsTold { get; set; }

        public Turn? Turn { get; set; }

        /// <summary>Whether it was told that many keep it busy, and it has not kept up since.</summary>
        public bool IsCrowded { get; set; }

        public void Begin(long switches, long now)
        {
            Switches = switches;
            Since = now;
            IsTold = false;
        }
    }

    /// <summary>A place in a hub's queue.</summary>
    private sealed class Turn(long switches, long since)
    {
        private volatile bool _hasCome;

        public long Switches { get; } = switches;

        public long Since { get; } = since;

        public bool HasCome => _hasCome;

        public bool IsLate { get; set; }

        /// <summary>Whether a single task was told to be why it does not come.</summary>
        public bool IsBlocked { get; set; }

        public void Come() => _hasCome = true;
    }
}
