using System.Globalization;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;
using NativeGreenlet.Tests.Survival;

namespace NativeGreenlet.Tests.Leaks;

/// <summary>No stack, mapping or handle is left behind. Each test in a process of its own, because the figures are of the
/// whole process.</summary>
[Collection(OneAtATime.Name)]
public class LeakTests(ITestOutputHelper output)
{
    private const int Rounds = 100;
    private const int Repetitions = 4;
    private const long Megabyte = 1 << 20;

    // In the child. Threads are dearer than segments, and a system has fewer of them.
    private static readonly bool s_areThreads = ThisRun.Backend == Backends.Threads;
    private static readonly int s_forFreezing = GreenletRuntime.Freezing == GreenletFreezing.Off ? 0 : 3; // records: of byrefs, of the check, of a lesson
    private static readonly int s_ofCheck = s_forFreezing == 0 ? 0 : 4; // greenlets of the check of freezing, once, beside all others
    private static readonly int s_perRound = s_areThreads ? 1_000 : 10_000;
    private static readonly int s_dropped = s_areThreads ? 1_000 : 20_000;

    [Fact]
    [FeatureRow(93)]
    public void A_hundred_rounds_of_ten_thousand_that_run_to_their_end() => Succeeds(RunToTheirEnd);

    [Fact]
    [FeatureRow(92, 93)]
    public void Twenty_thousand_that_are_dropped_in_their_thread() => Succeeds(DropInTheirThread);

    [Fact]
    [FeatureRow(85, 93)]
    public void Twenty_thousand_that_are_suspended_when_their_thread_ends() => Succeeds(EndTheirThread);

    [Fact]
    [FeatureRow(93)]
    public void Fifty_at_a_time_that_are_suspended_in_a_catch_block() => Succeeds(SuspendInCatchBlocks);

    [Fact]
    [FeatureRow(93)]
    public void A_hundred_rounds_of_a_thousand_threads_that_run_to_their_end() => Succeeds(RunToTheirEnd, "threads");

    [Fact]
    [FeatureRow(92, 93)]
    public void A_thousand_threads_that_are_dropped_in_their_thread() => Succeeds(DropInTheirThread, "threads");

    [Fact]
    [FeatureRow(85, 93)]
    public void A_thousand_threads_that_are_suspended_when_their_thread_ends() => Succeeds(EndTheirThread, "threads");

    private void Succeeds(Action body, string backend = "segments")
    {
        // Generation 0 of a size that does not depend on the processor: it is as large as the cache, and where that is
        // hundreds of megabytes, memory grows for as long as no collection has come.
        InChild.Result child = InChild.Run(body, ("NATIVEGREENLET_BACKEND", backend), ("DOTNET_GCgen0size", "1000000"));
        output.WriteLine(child.Output);
        Assert.True(
            child.ExitCode == 0 && child.Output.TrimEnd().EndsWith("done", StringComparison.Ordinal),
            $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
    }

    private static void RunToTheirEnd()
    {
        Greenlet main = Greenlet.Current;
        Figures before = default;
        for (int round = 1; round <= Rounds; round++)
        {
            Greenlet[] greenlets = new Greenlet[100];
            for (int i = 0; i < s_perRound; i += greenlets.Length)
            {
                for (int j = 0; j < greenlets.Length; j++)
                {
                    greenlets[j] = new Greenlet(value => main.Switch(value));
                    Check(Equals(greenlets[j].Switch(j), j), "the value comes back");
                }

                foreach (Greenlet greenlet in greenlets)
                {
                    Check(greenlet.Switch() is null && greenlet.IsDead, "it ends");
                }
            }

            Array.Clear(greenlets);
            if (round == Rounds / 10)
            {
                before = Settle("a tenth");
            }
        }

        Figures after = Settle("all");
        Check(after.Pooled <= 2 * 100, "the pool is as large as the most that lived at once");
        StaysFlat(before, after);
        Console.WriteLine("done");
    }

    private static void DropInTheirThread()
    {
        Figures before = default;
        for (int repetition = 1; repetition <= Repetitions; repetition++)
        {
            int finallies = 0;
            List<Greenlet> greenlets = SuspendMany(() => finallies++);
            Console.WriteLine($"   suspended: {Figures.Now()}");
            greenlets.Clear();
            Collector.CollectUntil(
                () =>
                {
                    _ = Greenlet.Current; // kills what was collected
                    return finallies == s_dropped;
                },
                "all of them were killed");
            Figures now = Settle($"dropped {repetition * s_dropped}, {finallies} finally blocks");
            before = repetition == 1 ? now : before;
            StaysFlat(before, now);
        }

        Console.WriteLine("done");
    }

    private static void EndTheirThread()
    {
        Figures before = default;
        for (int repetition = 1; repetition <= Repetitions; repetition++)
        {
            int finallies = 0;
            Greenlet? kept = null;
            OnThread.Run(() =>
            {
                List<Greenlet> greenlets = SuspendMany(() => finallies++);
                kept = greenlets[s_dropped / 2];
                Console.WriteLine($"   suspended: {Figures.Now()}");
            });
            int expected = s_areThreads ? s_dropped : 0; // a difference of the Threads backend
            Collector.CollectUntil(() => GreenletDiagnostics.Live == 0 && Volatile.Read(ref finallies) == expected, "all of them are dead");
            Check(kept!.IsDead, "the one that is referred to is dead too");
            kept = null;
            Figures now = Settle($"ended with their thread {repetition * s_dropped}, {finallies} finally blocks");
            Check(finallies == expected, "nothing of them runs any more");
            before = repetition == 1 ? now : before;
            StaysFlat(before, now);
        }

        Console.WriteLine("done");
    }

    private static void SuspendInCatchBlocks()
    {
        const int AtATime = 50;
        Greenlet main = Greenlet.Current;
        Figures before = default;
        for (int repetition = 1; repetition <= Rounds; repetition++)
        {
            Greenlet[] greenlets = [.. Enumerable.Range(0, AtATime).Select(i => new Greenlet(() =>
            {
                try
                {
                    throw new InvalidTimeZoneException();
                }
                catch (InvalidTimeZoneException)
                {
                    _ = main.Switch();
                }
            }))];
            for (int turn = 0; turn < 2; turn++)
            {
                Array.ForEach(greenlets, greenlet => greenlet.Switch());
            }

            Check(Array.TrueForAll(greenlets, greenlet => greenlet.IsDead), "all ended");
            Array.Clear(greenlets);
            if (repetition == Rounds / 10)
            {
                before = Settle("a tenth", AtATime + 2 + s_forFreezing);
            }
        }

        StaysFlat(before, Settle("all", AtATime + 2 + s_forFreezing));
        Console.WriteLine("done");
    }

    private static List<Greenlet> SuspendMany(Action inFinally)
    {
        Greenlet main = Greenlet.Current;
        List<Greenlet> greenlets = new(s_dropped);
        for (int i = 0; i < s_dropped; i++)
        {
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                finally
                {
                    inFinally();
                }
            });
            _ = greenlet.Switch();
            greenlets.Add(greenlet);
        }

        return greenlets;
    }

    private static Figures Settle(string what, int mostRecords = 4)
    {
        Collector.Collect();
        _ = Greenlet.Current;
        Figures now = Figures.Now();
        // Threads that were let go end in their own time.
        for (int unchanged = 0; unchanged < 5;)
        {
            Thread.Sleep(50);
            Figures next = Figures.Now();
            unchanged = next.OSThreads < now.OSThreads ? 0 : unchanged + 1;
            now = next;
        }

        Collector.Collect(); // what the figures have left: there is a line for each mapping
        now = Figures.Now();
        Console.WriteLine($"{what}: {now}");
        Check(now.Live == 0, "no greenlet is left");
        Check(now.InUse == 0, "no segment is in use");
        Check(now.PendingKills == 0, "none waits to be killed");
        Check(now.Threads <= 1, "no thread that ended is left");
        Check(now.Records <= mostRecords, "there are no more records than stacks needed one at once");
        return now;
    }

    private static void StaysFlat(Figures before, Figures after)
    {
        Check(after.Pooled <= before.Pooled + s_ofCheck, "the pool does not grow");
        Check(after.Records <= before.Records + s_forFreezing, "thread records do not grow");
        // A little, because the runtime loads and starts some things late; a leak would be of thousands. Freezing has a timer, too, and
        // threads of the pool for that.
        Check(after.OSThreads <= before.OSThreads + (s_forFreezing == 0 ? 4 : 12), "threads do not grow");
        Check(after.Files <= before.Files + 20, "open files do not grow");
        Check(after.Mappings <= before.Mappings + 100, "mappings do not grow");
        Check(after.Managed <= before.Managed + Megabyte, "managed memory does not grow");
        Check(after.Resident <= before.Resident + (48 * Megabyte), "resident memory does not grow");
    }

    private static void Check(bool isSo, string what)
    {
        if (!isSo)
        {
            throw new InvalidOperationException($"not so: {what}");
        }
    }

    private readonly record struct Figures(
        long Live,
        long InUse,
        long Pooled,
        long PendingKills,
        long Threads,
        long Records,
        int Mappings,
        long Resident,
        long Managed,
        int OSThreads,
        int Files)
    {
        public static Figures Now()
        {
            long managed = GC.GetTotalMemory(forceFullCollection: false); // before the others allocate
            bool hasProc = OperatingSystem.IsLinux(); // elsewhere these stay 0
            (long inUse, long pooled) = GreenletDiagnostics.Segments;
            return new Figures(
                GreenletDiagnostics.Live,
                inUse,
                pooled,
                GreenletDiagnostics.PendingKills,
                GreenletDiagnostics.Threads,
                GreenletDiagnostics.ThreadRecords,
                hasProc ? File.ReadLines("/proc/self/maps").Count() : 0,
                hasProc ? ResidentBytes() : Environment.WorkingSet,
                managed,
                hasProc ? Directory.GetDirectories("/proc/self/task").Length : 0,
                hasProc ? Directory.GetFileSystemEntries("/proc/self/fd").Length : 0);
        }

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Live} live, segments {InUse} in use and {Pooled} pooled, {PendingKills} pending, {Threads} threads, {Records} records; {Mappings} mappings, {Resident / Megabyte} MB resident, {(double)Managed / Megabyte:F1} MB managed, {OSThreads} OS threads, {Files} files");

        private static long ResidentBytes()
        {
            string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
            return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
    }
}
