using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace NativeGreenlet.LiveView;

/// <summary>Asks a process about its hubs, and about its greenlets without one, by events, while it goes on.</summary>
internal sealed class HubEvents(int process)
{
    public const long Dump = 1;
    public const long Figures = 2;

    private const string Provider = "NativeGreenlet.Cooperative";
    private const string CoreProvider = "NativeGreenlet";
    private const int CoreShift = 2; // its keywords are the same, so many bits higher
    private const int BufferMegabytes = 256;
    private const int PatienceWithAnswers = 3; // a thread may take long to write about its greenlets
    private const int RoundsWithoutCounts = 3; // of answers about hubs; then the process has a library that does not count

    private List<HubView> _hubs = [];
    private List<TaskView> _tasks = [];
    private readonly List<TaskView> _greenlets = []; // without hubs; those come once
    private bool _isDump;
    private int _rounds;
    private bool _isRoundOver; // what follows about hubs is the next round
    private long? _hubRound; // the round of the hubs that is read: others may listen to rounds of their own
    private long? _greenletRound;
    private bool _hasHubs; // a round of answers about the hubs has come, or there are none

    /// <summary>Reads rounds of answers until the reader has seen enough, or there is none for too long.</summary>
    /// <param name="keyword">What it asks for.</param>
    /// <param name="patience">How long it waits for the first answer; for each after that, longer.</param>
    /// <param name="read">Gets each round; false ends it. There are several rounds of figures only where there are hubs.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ToolException">The process has no hubs, or does not answer.</exception>
    public void Read(long keyword, TimeSpan patience, Func<IReadOnlyList<HubView>, IReadOnlyList<TaskView>, bool> read, CancellationToken cancellation)
    {
        _isDump = keyword == Dump;
        using EventPipeSession session = Start(keyword);
        bool isAnswered = false;
        bool isRead = false;
        int isStopped = 0;
        using Timer timer = new(_ => Stop(), null, patience, Timeout.InfiniteTimeSpan);
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(_ => Stop(), null);
        using EventPipeEventSource source = new(session.EventStream);
        source.Dynamic.All += each =>
        {
            if (each.ProviderName is not (Provider or CoreProvider) || Volatile.Read(ref isStopped) != 0)
            {
                return;
            }

            isAnswered = true;
            timer.Change(patience * PatienceWithAnswers, Timeout.InfiniteTimeSpan);
            if (!Take(each))
            {
                return;
            }

            isRead = true;
            if (!read(_hubs, [.. _tasks, .. _greenlets]))
            {
                ThreadPool.QueueUserWorkItem(_ => Stop());
            }
        };
        try
        {
            source.Process();
        }
        catch (Exception exception) when (isStopped != 0 || exception is IOException or EndOfStreamException)
        {
            // It has ended, or we have had enough.
        }

        if (!isAnswered && !cancellation.IsCancellationRequested)
        {
            throw Processes.WithoutLibrary(process);
        }

        if (!isRead && _hasHubs)
        {
            _ = read(_hubs, [.. _tasks, .. _greenlets]); // all that there is
        }

        void Stop()
        {
            if (Interlocked.Exchange(ref isStopped, 1) == 0)
            {
                try
                {
                    session.Stop();
                }
                catch (Exception exception) when (exception is IOException or TimeoutException or DiagnosticsClientException)
                {
                    // It has ended.
                }
            }
        }
    }

    private EventPipeSession Start(long keyword)
    {
        try
        {
            return new DiagnosticsClient(process).StartEventPipeSession(
                [new EventPipeProvider(Provider, EventLevel.Informational, keyword), new EventPipeProvider(CoreProvider, EventLevel.Informational, keyword << CoreShift)],
                requestRundown: false,
                BufferMegabytes);
        }
        catch (Exception exception) when (exception is IOException or TimeoutException or DiagnosticsClientException or UnauthorizedAccessException)
        {
            throw new ToolException($"Process {process} ({Processes.NameOf(process)}) does not answer: {exception.Message} If it hangs, 'greenlets dump {process} --halt' may still see its greenlets.", exception);
        }
    }

    /// <summary>What the process has said about all its greenlets; null if nothing.</summary>
    public GreenletCounts? Counts { get; private set; }

    // True if a round is complete.
    private bool Take(TraceEvent each)
    {
        switch (each.EventName)
        {
            case "RoundBegun":
                if (_hubRound is null && Convert.ToBoolean(each.PayloadByName("isDump"), null) == _isDump)
                {
                    _hubRound = Long(each, "round");
                }

                return false;

            case "HubSeen" or "TaskSeen" or "AllSeen" when !IsOf(_hubRound, each):
            case "GreenletSeen" when !IsOf(_greenletRound, each):
                return false;

            case "HubSeen":
                if (_isRoundOver)
                {
                    (_hubs, _tasks, _isRoundOver) = ([], [], false);
                }

                _hubs.Add(new HubView(
                    Text(each, "hub"),
                    Number(each, "thread"),
                    Number(each, "systemThread"),
                    Number(each, "tasks"),
                    Number(each, "ready"),
                    Convert.ToInt64(each.PayloadByName("switches"), null),
                    Convert.ToBoolean(each.PayloadByName("isAsleep"), null) ? "asleep" : "turns",
                    Text(each, "current") is { Length: > 0 } current ? current : null));
                return false;

            case "TaskSeen":
                int thread = Number(each, "thread");
                _tasks.Add(new TaskView(
                    _hubs.Find(hub => hub.Thread == thread)?.Name ?? "",
                    Convert.ToInt64(each.PayloadByName("id"), null),
                    Text(each, "name") is { Length: > 0 } name ? name : null,
                    Text(each, "state"),
                    Text(each, "waitsFor") is { Length: > 0 } waitsFor ? waitsFor : null,
                    Convert.ToDouble(each.PayloadByName("milliseconds"), null) / 1000,
                    Frames.Split(Text(each, "stack")),
                    Frames.Split(Text(each, "spawned"))));
                return false;

            case "AllSeen":
                string[] silent = Text(each, "silent").Split(' ');
                _hubs = [.. _hubs.Select(hub => silent.Contains($"{hub.Thread}") ? hub with { State = "blocked" } : hub)];
                (_isRoundOver, _hasHubs, _hubRound) = (true, true, null);
                return Counts is not null || ++_rounds >= RoundsWithoutCounts;

            case "GreenletSeen":
                _greenlets.Add(new TaskView(
                    $"thread {Number(each, "thread")}",
                    Convert.ToInt64(each.PayloadByName("number"), null),
                    Text(each, "name") is { Length: > 0 } given ? given : null,
                    Text(each, "state"),
                    null,
                    0,
                    Frames.Split(Text(each, "stack")),
                    [],
                    Number(each, "systemThread")));
                return false;

            case "ProcessSeen":
                bool isEnd = Convert.ToBoolean(each.PayloadByName("isDump"), null);
                if (_isDump && !isEnd)
                {
                    if (each.PayloadByName("round") is { } round && Convert.ToInt64(round, null) is not 0 and long begun)
                    {
                        _greenletRound ??= begun;
                    }

                    return false; // it has begun
                }

                if (_isDump && !IsOf(_greenletRound, each))
                {
                    return false;
                }

                Counts = new GreenletCounts(Long(each, "live"), Long(each, "suspended"), Long(each, "frozen"));
                _hasHubs |= Number(each, "hubs") == 0;
                return _hasHubs; // answers of the two sources come in any order

            default:
                return false;
        }
    }

    // Older libraries have no numbers.
    private static bool IsOf(long? round, TraceEvent each) => each.PayloadByName("round") is not { } number || Convert.ToInt64(number, null) == round;

    private static long Long(TraceEvent each, string name) => Convert.ToInt64(each.PayloadByName(name), null);

    private static string Text(TraceEvent each, string name) => each.PayloadByName(name) as string ?? "";

    private static int Number(TraceEvent each, string name) => Convert.ToInt32(each.PayloadByName(name), null);
}
