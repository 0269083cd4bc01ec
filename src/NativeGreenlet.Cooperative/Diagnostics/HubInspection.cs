using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Tracing;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Diagnostics;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>Writes events about all hubs and their tasks, for somebody outside, while everything goes on: a hub writes about a few
/// tasks at a time, between others.</summary>
internal static class HubInspection
{
    private const int TasksAtATime = 32;
    private const int OldestTasks = 5; // of each hub
    private const int LongestText = 12_000; // an event has 64 KB at most

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);

    private static int s_isRepeating;
    private static long s_rounds;

    /// <summary>Begins, on a thread of its own.</summary>
    public static void Begin(HubEventSource log, bool isRepeated)
    {
        if (isRepeated && Interlocked.Exchange(ref s_isRepeating, 1) != 0)
        {
            return;
        }

        try
        {
            new Thread(() => Run(log, isRepeated)) { IsBackground = true, Name = "hub inspection" }.UnsafeStart();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            // The next command tries again.
            if (isRepeated)
            {
                Volatile.Write(ref s_isRepeating, 0);
            }

            Trace.WriteLine($"The hubs cannot be inspected: {exception.Message}");
        }
    }

    private static void Run(HubEventSource log, bool isRepeated)
    {
        bool hasFailed = true;
        try
        {
            if (!isRepeated)
            {
                Write(log, isRepeated);
                return;
            }

            while (log.IsEnabled(EventLevel.Informational, HubEventSource.Keywords.Figures))
            {
                Write(log, isRepeated);
                Thread.Sleep(s_interval);
            }

            hasFailed = false;
        }
        catch (Exception exception)
        {
            Trace.WriteLine($"The hubs could not be inspected: {exception}");
        }
        finally
        {
            if (isRepeated)
            {
                Interlocked.Exchange(ref s_isRepeating, 0);
                if (!hasFailed && log.IsEnabled(EventLevel.Informational, HubEventSource.Keywords.Figures))
                {
                    Begin(log, isRepeated); // somebody has come meanwhile, and was told that it repeats
                }
            }
        }
    }

    private static void Write(HubEventSource log, bool isRepeated)
    {
        long number = Interlocked.Increment(ref s_rounds);
        log.RoundBegun(number, !isRepeated);
        List<Round> rounds = [];
        foreach (HubLoop loop in HubRegistry.All)
        {
            log.HubSeen(loop.Hub.Name, loop.ThreadId, loop.SystemThreadId, loop.TaskCount, loop.ReadyCount, loop.Switches, loop.IsAsleep, (loop.CurrentTask ?? loop.PinnedTask)?.ToString() ?? "", number);
            if (isRepeated && loop.PinnedTask is not null)
            {
                continue; // it would be woken again and again, and look to a watchdog as if it went on
            }

            Round round = new(log, number, loop, withStacks: !isRepeated);
            if (loop.TryPost(round.Next))
            {
                rounds.Add(round);
            }
        }

        // Who has begun to answer has time to end; who has not is blocked.
        long start = Stopwatch.GetTimestamp();
        foreach (Round round in rounds)
        {
            TimeSpan left = s_patience - Stopwatch.GetElapsedTime(start);
            _ = round.HasBegun.Wait(left > TimeSpan.Zero ? left : TimeSpan.Zero) && round.HasEnded.Wait(s_longest);
        }

        foreach (Round round in rounds.Where(round => !round.HasBegun.IsCompleted && !isRepeated))
        {
            round.WriteFromOutside();
        }

        string silent = string.Join(' ', rounds.Where(round => !round.HasBegun.IsCompleted).Select(round => round.Thread));
        LastEvent.Write(() => log.AllSeen(silent, number));
    }

    private static string Cut(string? text) => text is null ? "" : text.Length <= LongestText ? text : text[..LongestText];

    /// <summary>What one hub writes. In its thread, but for the two tasks, and for one that does not come to it.</summary>
    private sealed class Round(HubEventSource log, long number, HubLoop loop, bool withStacks)
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Queue<GreenTask>? _left;
        private Queue<GreenletCore> _others = [];
        private int _isTaken;

        public int Thread { get; } = loop.ThreadId;

        public Task HasBegun => _begun.Task;

        public Task HasEnded => _ended.Task;

        public void Next()
        {
            if (_left is null)
            {
                if (Interlocked.Exchange(ref _isTaken, 1) != 0)
                {
                    return; // too late: another thread has written
                }

                _begun.SetResult();
                GreenTask[] tasks = [.. loop.Runs.SelectMany(run => run.Tasks)];
                _left = new Queue<GreenTask>(withStacks ? tasks : tasks.Where(task => task.Waiter.WaitsFor is not null).OrderBy(task => task.Waiter.ParkedAt).Take(OldestTasks));
                if (withStacks)
                {
                    _others = new Queue<GreenletCore>(Others(tasks));
                }
            }

            for (int count = 0; count < TasksAtATime && _left.TryDequeue(out GreenTask? task); count++)
            {
                if (!task.IsCompleted)
                {
                    Write(task, task => task.Waiter.Parked?.GetStackTrace()?.ToString());
                }
            }

            for (int count = 0; count < TasksAtATime && _left.Count == 0 && _others.TryDequeue(out GreenletCore? core); count++)
            {
                if (core.State == GreenletState.Suspended)
                {
                    Write(core, core => loop.Carrier.Report(core)?.ToString());
                }
            }

            if ((_left.Count == 0 && _others.Count == 0) || !loop.TryPost(Next))
            {
                _ended.SetResult();
            }
        }

        /// <summary>For a hub that does not turn. It may begin to, any time.</summary>
        [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What is looked at may change meanwhile.")]
        public void WriteFromOutside()
        {
            if (Interlocked.Exchange(ref _isTaken, 1) != 0)
            {
                return;
            }

            try
            {
                GreenTask[] tasks = [.. loop.Runs.SelectMany(run => run.Tasks)];
                foreach (GreenTask task in tasks.Where(task => !task.IsCompleted && task != loop.CurrentTask))
                {
                    Write(task, task => task.Greenlet is { } greenlet ? GreenletPeek.AddressesOf(greenlet.Core) : null);
                }

                foreach (GreenletCore core in Others(tasks).Where(core => core.State == GreenletState.Suspended))
                {
                    Write(core, GreenletPeek.AddressesOf);
                }
            }
            catch (Exception exception)
            {
                Trace.WriteLine($"The hub {loop.Hub.Name} could not be inspected from outside: {exception}");
            }
        }

        // What is no task: generators, and what tasks have made themselves. The main greenlet is the hub.
        private IEnumerable<GreenletCore> Others(GreenTask[] tasks)
        {
            HashSet<GreenletCore> known = [.. tasks.Select(task => task.Greenlet?.Core).OfType<GreenletCore>(), loop.Greenlet.Core];
            return loop.Carrier.Seen().Where(core => !known.Contains(core));
        }

        [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What one task is called, or waits for, is its user's text.")]
        private void Write(GreenTask task, Func<GreenTask, string?> find)
        {
            try
            {
                object? waitsFor = task.Waiter.WaitsFor;
                string state = task == loop.PinnedTask ? "pinned" : !task.HasStarted ? "not started" : waitsFor is null ? "ready" : "waits";
                double milliseconds = waitsFor is null ? 0 : Stopwatch.GetElapsedTime(task.Waiter.ParkedAt).TotalMilliseconds;
                log.TaskSeen(Thread, task.Id, Cut(task.Name), state, waitsFor is Task ? "a .NET task" : Cut(waitsFor?.ToString()), milliseconds, withStacks ? Cut(find(task)) : "", withStacks ? Cut(task.SpawnStack?.ToString()) : "", number);
            }
            catch (Exception exception)
            {
                log.TaskSeen(Thread, task.Id, "", "unknown", exception.GetType().Name, 0, "", "", number);
            }
        }

        private void Write(GreenletCore core, Func<GreenletCore, string?> find)
        {
            string? stack;
            try
            {
                stack = find(core);
            }
            catch (GreenletException exception)
            {
                stack = exception.Message; // it cannot be left, or there is no record
            }

            log.TaskSeen(Thread, 0, Cut(core.Name), "suspended, no task", "", 0, Cut(stack), "", number);
        }
    }
}
