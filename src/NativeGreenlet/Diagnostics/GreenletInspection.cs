using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Diagnostics;

/// <summary>Writes events about the greenlets of threads that have no hub, for somebody outside, while everything goes on: a thread
/// that uses the library writes about a few greenlets each time. What it has not written is looked up from another thread.</summary>
internal static class GreenletInspection
{
    private static readonly TimeSpan s_slice = TimeSpan.FromMilliseconds(10); // of a thread's time, each time
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(10);

    private static long s_rounds; // dumps so far

    /// <summary>Begins, on a thread of its own: whoever listens waits for the caller.</summary>
    public static void Begin(GreenletEventSource log, bool isDump)
    {
        try
        {
            new Thread(() => Run(log, isDump)) { IsBackground = true, Name = "greenlet inspection" }.UnsafeStart();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            Trace.WriteLine($"The greenlets cannot be inspected: {exception.Message}"); // the next command tries again
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Nothing that is looked at must end the process.")]
    private static void Run(GreenletEventSource log, bool isDump)
    {
        try
        {
            List<Answer> answers = [];
            long round = isDump ? Interlocked.Increment(ref s_rounds) : 0;
            int hubs = 0;
            CarrierRegistry.Sweep();
            CarrierRegistry.ForEach(carrier =>
            {
                if (carrier.IsOfHub)
                {
                    hubs++;
                }
                else if (isDump && carrier.LiveCount != 0)
                {
                    answers.Add(new Answer(log, round, carrier));
                }
            });
            if (isDump)
            {
                LastEvent.Write(() => Tell(log, hubs, isDump: false, round)); // whoever asks knows that there will be more
            }

            answers.ForEach(answer => answer.Ask());
            long start = Stopwatch.GetTimestamp();
            answers.ForEach(answer => answer.Wait(start, s_patience, s_longest));
            answers.ForEach(answer => answer.WriteFromOutside());
            LastEvent.Write(() => Tell(log, hubs, isDump, round));
        }
        catch (Exception exception)
        {
            Trace.WriteLine($"The greenlets could not be inspected: {exception}");
        }
    }

    private static void Tell(GreenletEventSource log, int hubs, bool isDump, long round) =>
        log.ProcessSeen(GreenletDiagnostics.Live, GreenletDiagnostics.Suspended, GreenletDiagnostics.Frozen, hubs, isDump, round);

    /// <summary>What one thread writes, and another for it.</summary>
    private sealed class Answer(GreenletEventSource log, long round, Carrier carrier)
    {
        private readonly ConcurrentDictionary<GreenletCore, bool> _written = [];
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Queue<GreenletCore>? _left;
        private long _answered; // how often
        private volatile bool _isGivenUp;

        public void Ask() => carrier.Ask(Next);

        /// <summary>Waits until it has written all; or for too long, or for longer than it should take until the next time.</summary>
        public void Wait(long start, TimeSpan patience, TimeSpan longest)
        {
            long before;
            do
            {
                before = Interlocked.Read(ref _answered);
            }
            while (!_ended.Task.Wait(patience) && Interlocked.Read(ref _answered) != before && Stopwatch.GetElapsedTime(start) < longest);
            _isGivenUp = true;
        }

        public void WriteFromOutside()
        {
            foreach (GreenletCore core in _ended.Task.IsCompleted ? [] : carrier.Seen())
            {
                Write(core, () => GreenletPeek.AddressesOf(core));
            }
        }

        // On the carrier's thread.
        [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is a guest in whatever the thread does.")]
        private void Next()
        {
            if (_isGivenUp)
            {
                return;
            }

            if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            {
                Ask(); // at a place with more stack left
                return;
            }

            try
            {
                Interlocked.Increment(ref _answered);
                _left ??= new Queue<GreenletCore>(carrier.Seen());
                long start = Stopwatch.GetTimestamp();
                while (!_isGivenUp && Stopwatch.GetElapsedTime(start) < s_slice && _left.TryDequeue(out GreenletCore? core))
                {
                    Write(core, () => core.State == GreenletState.Suspended ? carrier.Report(core)?.ToString() ?? "" : new StackTrace(fNeedFileInfo: true).ToString());
                }

                if (_left.Count != 0)
                {
                    Ask();
                    return;
                }
            }
            catch (Exception exception)
            {
                Trace.WriteLine($"A thread's greenlets could not be inspected: {exception}");
            }

            _ended.TrySetResult();
        }

        private void Write(GreenletCore core, Func<string> find)
        {
            if (core.State is not (GreenletState.Running or GreenletState.Suspended) || !_written.TryAdd(core, true))
            {
                return;
            }

            string state = core.State == GreenletState.Running ? "running" : core.IsFrozen ? "frozen" : "suspended";
            string stack;
            try
            {
                stack = find();
            }
            catch (GreenletException exception)
            {
                stack = exception.Message; // it cannot be left, or there is no record
            }

            log.GreenletSeen(carrier.ThreadId, (long)carrier.SystemThreadId, core.StartNumber, core == carrier.Main.Core ? "main" : Cut(core.Name ?? ""), state, Cut(stack), round);
        }

        private static string Cut(string text) => text.Length <= GreenletPeek.LongestText ? text : text[..GreenletPeek.LongestText];
    }
}
