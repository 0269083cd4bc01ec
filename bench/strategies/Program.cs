using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using NativeGreenlet;

namespace NativeGreenlet.Strategies;

/// <summary>What a backend costs. One measurement per process: <c>park COUNT DEPTH [compact|freeze]</c> or <c>switch BYTES</c>; prints
/// names and values. <c>freeze</c> waits until the greenlets are frozen, which <c>NATIVEGREENLET_FREEZE=auto</c> has to ask for, and gives
/// them small stacks, so that a million have room: <c>frozen</c> of them, <c>inplace</c> bytes each before pages are given back, <c>settled</c>
/// nanoseconds of a gen0 collection, <c>old</c> of a gen2 collection, <c>oldcpu</c> of processors for one, <c>awake</c> of gen0 when a thousand have been continued, <c>thaw</c> for
/// one of these. <c>control COUNT</c> has as many plain objects as so many frozen greenlets keep alive. <c>costs COUNT DEPTH</c>:
/// <see cref="FreezeCosts"/>. <c>sleep COUNT</c>: <see cref="SleepCosts"/>.</summary>
internal static class Program
{
    /// <summary>Bytes of a stack, so that a million have room.</summary>
    public const int SmallStack = 1 << 18;

    /// <summary>Greenlets that are not worth freezing.</summary>
    public const int FewLinked = 64;

    private const int Collections = 7;
    private const int Samples = 7;
    private const int SwitchesPerCollection = 20_000;
    private const int Thawed = 1000;
    private const int SecondsForPages = 10;
    private const int SlotsOfPlain = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    public static int Main(string[] arguments)
    {
        int first = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        Console.WriteLine(arguments[0] switch
        {
            "control" => Control(first),
            "costs" => FreezeCosts.Measure(first, Descend, Second(arguments)),
            "sleep" => SleepCosts.Measure(first),
            "park" => Park(first, Second(arguments), arguments is [.., "compact"], arguments is [.., "freeze"]),
            _ => Switch(first),
        });
        return 0;
    }

    private static int Second(string[] arguments) => int.Parse(arguments[2], CultureInfo.InvariantCulture);

    private static string Control(int count)
    {
        PlainObjects objects = new(count, SlotsOfPlain);
        Costs costs = Measure(compacts: true);
        GC.KeepAlive(objects);
        return string.Create(CultureInfo.InvariantCulture, $"settled {costs.Young:F0} old {costs.Old:F0} oldcpu {costs.OldProcessors:F0}");
    }

    // Memory, first start, and pauses, of so many greenlets that are suspended so many frames deep.
    private static string Park(int count, int depth, bool compacts, bool freezes)
    {
        GreenletOptions options = new() { StackSize = freezes ? SmallStack : 0 };
        Action body = () => Descend(depth);
        new Greenlet(body).Switch(); // what the first one brings along is not counted
        Greenlet[] parked = new Greenlet[count];
        Costs before = Measure(compacts);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            parked[i] = freezes ? new Greenlet(_ => DescendTwice(depth), options) : new Greenlet(body);
            _ = parked[i].Switch();
        }

        double started = Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
        (long frozen, long inPlace) = freezes ? WaitUntilFrozen(count) : default;
        Costs after = Measure(compacts);
        long slice = parked[count / 2].StackBytesUsed;
        GC.KeepAlive(parked);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"backend {GreenletRuntime.Backend} bytes {(after.Memory - before.Memory) / (double)count:F0} stack {slice} start {started:F0} gen0 {(after.Young - before.Young) / count:F1} gen2 {(after.Old - before.Old) / count:F1} resident {after.Memory}")
            + (freezes ? string.Create(CultureInfo.InvariantCulture, $" frozen {frozen} inplace {(inPlace - before.Memory) / (double)count:F0} settled {after.Young:F0} old {after.Old:F0} oldcpu {after.OldProcessors:F0}{Thaw(parked)}") : string.Empty);
    }

    // Collections and switches are when greenlets are frozen; their pages are given back some seconds later.
    private static (long Frozen, long InPlace) WaitUntilFrozen(int count)
    {
        Greenlet hot = new(() =>
        {
            while (true)
            {
                _ = Greenlet.Current.Parent!.Switch();
            }
        });
        Stopwatch watch = Stopwatch.StartNew();
        long done = 0;
        long memory = Environment.WorkingSet; // if they were frozen as they came
        int most = count - FewLinked;
        while (watch.Elapsed < s_patience && (GreenletDiagnostics.Frozen < most || watch.Elapsed.TotalSeconds - done < SecondsForPages))
        {
            GC.Collect(0);
            GC.WaitForPendingFinalizers();
            for (int i = 0; i < SwitchesPerCollection; i++)
            {
                _ = hot.Switch();
            }

            if (GreenletDiagnostics.Frozen < most)
            {
                done = (long)watch.Elapsed.TotalSeconds;
                memory = Environment.WorkingSet;
            }
        }

        return (GreenletDiagnostics.Frozen, memory);
    }

    // What it costs to continue some of them, which park again, and what these cost the collector.
    private static string Thaw(Greenlet[] parked)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Thawed; i++)
        {
            _ = parked[i].Switch();
        }

        double thawed = Stopwatch.GetElapsedTime(start).TotalNanoseconds / Thawed;
        return string.Create(CultureInfo.InvariantCulture, $" awake {Pause(0):F0} thaw {thawed:F0}");
    }

    // A collection that compacts leaves what it must not move in generation 0, or puts it back there: on slices, what some
    // word of a parked stack may refer to, unless that is much. Each collection after it looks at these again.
    private static Costs Measure(bool compacts)
    {
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: compacts);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: compacts);
        double young = Pause(0);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        double old = Pause(2);
        return new Costs(Environment.WorkingSet, young, old, (Environment.CpuUsage.TotalTime - before).TotalNanoseconds / Collections);
    }

    private static double Pause(int generation)
    {
        double[] pauses = new double[Collections];
        for (int i = 0; i < Collections; i++)
        {
            long start = Stopwatch.GetTimestamp();
            GC.Collect(generation, GCCollectionMode.Forced, blocking: true);
            pauses[i] = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        }

        Array.Sort(pauses);
        return pauses[Collections / 2];
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Descend(int frames)
    {
        if (frames != 0)
        {
            return Descend(frames - 1) + 1;
        }

        _ = Greenlet.Current.Parent!.Switch();
        return 0;
    }

    // Its greenlet can be continued once, and parks again.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int DescendTwice(int frames)
    {
        if (frames != 0)
        {
            return DescendTwice(frames - 1) + 1;
        }

        _ = Greenlet.Current.Parent!.Switch();
        _ = Greenlet.Current.Parent!.Switch();
        return 0;
    }

    // One switch, there or back, to a greenlet with that much stack in use.
    private static string Switch(int bytes)
    {
        Greenlet greenlet = new(() => Hold(bytes));
        _ = greenlet.Switch();
        int rounds = 2_000_000 / (1 + (bytes / 1024));
        double best = double.MaxValue;
        for (int sample = 0; sample < Samples; sample++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < rounds; i++)
            {
                _ = greenlet.Switch();
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / (2 * rounds));
        }

        return string.Create(CultureInfo.InvariantCulture, $"backend {GreenletRuntime.Backend} stack {greenlet.StackBytesUsed} switch {best:F1}");
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Hold(int bytes)
    {
        byte* held = stackalloc byte[bytes];
        new Span<byte>(held, bytes).Fill(1);
        Greenlet main = Greenlet.Current.Parent!;
        while (held[bytes - 1] == 1)
        {
            _ = main.Switch();
        }
    }

    // Bytes, and nanoseconds.
    private readonly record struct Costs(long Memory, double Young, double Old, double OldProcessors);
}
