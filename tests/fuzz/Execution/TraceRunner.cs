using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using NativeGreenlet.Fuzz.Fibers;
using NativeGreenlet.Fuzz.Traces;
using Trace = NativeGreenlet.Fuzz.Traces.Trace;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>What a child process does: traces on some threads until its time is up, while another thread forces
/// collections. Ends at once when anything is not as it should be.</summary>
internal sealed class TraceRunner(Options options) : IDisposable
{
    // Threads take many times as long; of random traces so many run on them, too.
    private const int ComparedInterval = 8;

    private readonly FlightRecorder _recorder = new(options.FlightRecorder!);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _traces;
    private long _events;
    private long _switches;
    private long _exceptions;
    private long _greenlets;
    private readonly long[] _played = new long[Enum.GetValues<OperationKind>().Length];

    // Of a single trace: what it must log each time.
    private ulong _hash;

    public void Dispose() => _recorder.Dispose();

    public void Run()
    {
        _ = ThreadStatics.UseUp(); // so that the runtime keeps its own fields where they can move, too
        int carriers = Math.Max(options.Carriers, 1);
        using (new CollectorPressure((int)options.Base))
        {
            Thread[] threads = [.. Enumerable.Range(0, carriers).Skip(options.UsesMainThread ? 1 : 0).Select(i => new Thread(() => Run(i)) { Name = $"carrier {i}" })];
            Array.ForEach(threads, thread => thread.Start());
            if (options.UsesMainThread)
            {
                Run(0);
            }

            Array.ForEach(threads, thread => thread.Join());
        }

        if (options.Hosts == Hosts.Control)
        {
            // The proof that it is one.
            Check.That(!AppDomain.CurrentDomain.GetAssemblies().Any(assembly => assembly.GetName().Name == "NativeGreenlet"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"log {_hash:x}"));
        Console.WriteLine($"played {string.Join(' ', _played)}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"figures {_traces} {_greenlets} {_switches} {_events} {_exceptions} {GC.CollectionCount(0)} {GC.CollectionCount(2)}"));
    }

    private void Run(int carrier)
    {
        int count = 0;
        SeedSequence seeds = new(options.Base + (ulong)carrier * 0x1000003);
        do
        {
            ulong seed = options.Seed ?? seeds.Next();
            _recorder.Begin(carrier, seed);
            bool isCompared = options.Seed is not null || options.FaultyHosts == Hosts.Control || count++ % ComparedInterval == 0;
            Run(TraceGenerator.Generate(seed, options.ThrowsInFilters).Without(options.Without), isCompared || options.Hosts == Hosts.Control ? options.Hosts : Hosts.Greenlets);
            _recorder.End(carrier);
        }
        while (_clock.Elapsed < options.Time);
    }

    private void Run(Trace trace, Hosts hosts)
    {
        EventLog? onGreenlets = hosts.HasFlag(Hosts.Greenlets) ? OnGreenlets(trace) : null;
        EventLog? onThreads = hosts.HasFlag(Hosts.Control) ? Run(trace, new ThreadHost(), Hosts.Control) : null;
        if (onGreenlets is not null && onThreads is not null && onGreenlets.Difference(onThreads) is { } difference)
        {
            Check.Fail($"DIFFERS on greenlets from plain threads: {difference}");
        }

        if (options.Seed is not null)
        {
            ulong hash = (onGreenlets ?? onThreads)!.Hash;
            ulong first = Interlocked.CompareExchange(ref _hash, hash, 0);
            if (first != 0 && first != hash)
            {
                Check.Fail("DIFFERS from its own first run");
            }
        }

        Interlocked.Increment(ref _traces);
    }

    // Not inlined: the control is not to load the library.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private EventLog OnGreenlets(Trace trace) => Run(trace, new GreenletHost(), Hosts.Greenlets);

    private EventLog Run(Trace trace, FiberHost host, Hosts hosts)
    {
        Injection injection = options.FaultyHosts.HasFlag(hosts) ? new Injection(options.Fault, true) : Injection.None;
        Player player = new(trace, host, injection);
        player.Run();
        Interlocked.Add(ref _events, player.Log.Count);
        Interlocked.Add(ref _exceptions, player.Exceptions);
        if (hosts == Hosts.Greenlets)
        {
            Interlocked.Add(ref _switches, player.Switches);
            Interlocked.Add(ref _greenlets, player.Fibers - 1);
            for (int i = 0; i < _played.Length; i++)
            {
                Interlocked.Add(ref _played[i], player.Played[i]);
            }
        }

        return player.Log;
    }
}
