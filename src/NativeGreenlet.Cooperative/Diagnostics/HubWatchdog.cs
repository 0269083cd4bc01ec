using System.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Watches all hubs from a thread of its own, and tells who keeps one from going on: a task that blocks its thread, or
/// computes for too long.
/// </summary>
/// <remarks>Each block is told twice: while it lasts, with the task, from the watchdog's thread; and when the task next
/// waits, with its stack trace, from the hub's. A task that ends without waiting again is told once.</remarks>
public sealed class HubWatchdog : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly ManualResetEventSlim _stop = new();
    private readonly object _telling = new(); // while a handler runs, in whichever thread
    private volatile bool _isStopped;
    private readonly Thread _thread;
    private readonly Dictionary<Hub, (long Switches, long Since, bool IsTold)> _seen = [];

    /// <summary>Starts to watch.</summary>
    /// <param name="limit">How long a task may run without waiting; null for 100 milliseconds.</param>
    public HubWatchdog(TimeSpan? limit = null)
    {
        _limit = limit ?? TimeSpan.FromMilliseconds(100);
        ArgumentOutOfRangeException.ThrowIfLessThan(_limit, TimeSpan.FromMilliseconds(1), nameof(limit));
        _thread = new Thread(Watch)
        {
            IsBackground = true,
            Name = "hub watchdog",
        };
        _thread.UnsafeStart();
    }

    /// <summary>A hub is blocked, or was.</summary>
    public event EventHandler<HubBlockedEventArgs>? Blocked;

    /// <summary>Ends it: when this returns, no handler begins any more, and none goes on but the caller. Inside a hub it parks
    /// until then; a callback in a hub cannot wait, so there a handler may go on a moment longer.</summary>
    public void Dispose()
    {
        _stop.Set();
        if (Monitor.IsEntered(_telling))
        {
            _isStopped = true; // a handler disposes of it
            return;
        }

        // The thread may be inside a handler, and that inside anything.
        if (Hub.OfThisThreadOrNull is null)
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
            IReadOnlyList<Hub> hubs = HubRegistry.All;
            foreach (Hub gone in _seen.Keys.Except(hubs).ToArray())
            {
                _seen.Remove(gone);
            }

            foreach (Hub hub in hubs)
            {
                Look(hub);
            }
        }
    }

    private void Look(Hub hub)
    {
        long now = HubClock.Now;
        long switches = hub.Switches;
        if (hub.IsAsleep || !_seen.TryGetValue(hub, out (long Switches, long Since, bool IsTold) seen) || seen.Switches != switches)
        {
            _seen[hub] = (switches, now, false);
            return;
        }

        TimeSpan duration = TimeSpan.FromTicks(now - seen.Since);
        if (seen.IsTold || duration < _limit)
        {
            return;
        }

        _seen[hub] = seen with { IsTold = true };
        GreenTask? task = hub.CurrentTask ?? hub.PinnedTask;
        string? pinnedBy = hub.PinnedBy;
        if (task is not null)
        {
            task.TellWhereNext = trace =>
                Tell(new HubBlockedEventArgs(hub, task, TimeSpan.FromTicks(HubClock.Now - seen.Since), trace, pinnedBy));
        }

        Tell(new HubBlockedEventArgs(hub, task, duration, null, pinnedBy));
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
}
