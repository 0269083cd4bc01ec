using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using NativeGreenlet.Core;
using NativeGreenlet.Interop;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>What needs a process of its own: its end (rows 86 and 87), and leaks (rows 85, 92 and 93), which only show
/// when nothing else runs.</summary>
public class ProcessTests
{
    [Fact]
    [FeatureRow(86)]
    public void A_process_ends_with_suspended_greenlets_and_does_not_run_their_cleanup()
    {
        InChild.Result child = InChild.Run(EndWithSuspendedGreenlets);

        Assert.Equal(("1000 suspended", 0), (child.Output.Trim(), child.ExitCode));
        Assert.Empty(child.Error);
    }

    [Fact]
    [FeatureRow(86)]
    public void A_greenlet_may_end_the_process()
    {
        InChild.Result child = InChild.Run(EndFromInside);

        Assert.Equal(7, child.ExitCode);
        Assert.Empty(child.Output);
        Assert.Empty(child.Error);
    }

    [Fact]
    [FeatureRow(87)]
    public void Greenlets_work_while_the_process_ends()
    {
        InChild.Result child = InChild.Run(UseWhileEnding);

        Assert.Equal(("1 2 end True", 0), (child.Output.Trim(), child.ExitCode));
        Assert.Empty(child.Error);
    }

    [Fact]
    [FeatureRow(67)]
    public void An_exception_that_nobody_catches_ends_the_process_with_its_original_trace()
    {
        InChild.Result child = InChild.Run(FailInside);

        Assert.NotEqual(0, child.ExitCode);
        Assert.Contains("deep inside", child.Error, StringComparison.Ordinal);
        Assert.Contains(nameof(ThrowDeepInside), child.Error, StringComparison.Ordinal);
    }

    [Fact]
    [FeatureRow(93)]
    public void A_million_greenlets_leave_nothing_behind() => Succeeds(InChild.Run(MakeMillion));

    [Fact]
    [FeatureRow(92, 93)]
    public void Twenty_thousand_abandoned_greenlets_leave_nothing_behind() => Succeeds(InChild.Run(AbandonTwentyThousand));

    [Fact]
    [FeatureRow(85, 93)]
    public void Unfinished_greenlets_of_ended_threads_leave_nothing_behind() => Succeeds(InChild.Run(LeaveUnfinishedInThreads));

    [Fact]
    [FeatureRow(93)]
    public void Greenlets_suspended_in_catch_blocks_give_their_records_back() => Succeeds(InChild.Run(SuspendInCatchBlocks));

    private static void Succeeds(InChild.Result child)
    {
        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.EndsWith("done", child.Output.Trim(), StringComparison.Ordinal);
    }

    private static void EndWithSuspendedGreenlets()
    {
        Greenlet main = Greenlet.Current;
        List<Greenlet> greenlets = [];
        for (int i = 0; i < 1_000; i++)
        {
            bool inCatch = i % 100 == 0;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    try
                    {
                        if (inCatch)
                        {
                            throw new InvalidTimeZoneException();
                        }

                        _ = main.Switch();
                    }
                    catch (InvalidTimeZoneException)
                    {
                        _ = main.Switch();
                    }
                }
                finally
                {
                    Console.WriteLine("cleanup ran");
                }
            });
            _ = greenlet.Switch();
            greenlets.Add(greenlet);
        }

        Console.WriteLine($"{greenlets.Count(greenlet => greenlet.State == GreenletState.Suspended)} suspended");
    }

    private static void EndFromInside()
    {
        Greenlet greenlet = new(() => Environment.Exit(7));
        _ = greenlet.Switch();
        Console.WriteLine("went on");
    }

    private static void UseWhileEnding()
    {
        Greenlet main = Greenlet.Current;
        Greenlet suspended = new(() => main.Switch());
        _ = suspended.Switch();
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            Greenlet here = Greenlet.Current; // of whatever thread the runtime raises this on
            Greenlet greenlet = new(() =>
            {
                _ = here.Switch(1);
                _ = here.Switch(2);
                return "end";
            });
            Console.WriteLine($"{greenlet.Switch()} {greenlet.Switch()} {greenlet.Switch()} {suspended.IsActive}");
        };
    }

    private static void FailInside() => new Greenlet(() => new Greenlet(ThrowDeepInside).Switch()).Switch();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowDeepInside() => throw new InvalidTimeZoneException("deep inside");

    private static void MakeMillion() => StaysFlat(
        100,
        () =>
        {
            Greenlet main = Greenlet.Current;
            for (int i = 0; i < 10_000; i++)
            {
                Greenlet greenlet = new(value => main.Switch(value));
                Check(greenlet.Switch(i) is int sent && sent == i, "the value came back");
                Check("end".Equals(greenlet.Switch("end")), "it ended");
            }
        });

    private static void AbandonTwentyThousand() => StaysFlat(
        8,
        () =>
        {
            int[] finallies = new int[1];
            for (int i = 0; i < 20_000; i++)
            {
                Abandon(finallies);
            }

            for (int i = 0; i < 50 && finallies[0] < 20_000; i++)
            {
                Collector.Collect();
                _ = Greenlet.Current;
            }

            Check(finallies[0] == 20_000, $"{finallies[0]} were killed");
        });

    private static void LeaveUnfinishedInThreads() => StaysFlat(
        8,
        () =>
        {
            int[] finallies = new int[1];
            Greenlet? kept = null;
            OnThread.Run(() =>
            {
                List<Greenlet> greenlets = []; // so that the thread itself does not find them abandoned
                for (int i = 0; i < 20_000; i++)
                {
                    greenlets.Add(Suspend(finallies));
                }

                kept = greenlets[^1];
            });
            Check(finallies[0] == 0, "nothing of them runs");
            Check(kept!.IsDead, "they are dead");
        });

    private static void SuspendInCatchBlocks() => StaysFlat(
        20,
        () =>
        {
            Greenlet main = Greenlet.Current;
            Greenlet[] greenlets = [.. Enumerable.Range(0, 50).Select(i => new Greenlet(() =>
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
        });

    // Repeats something and looks whether anything grows once it has warmed up.
    private static unsafe void StaysFlat(int rounds, Action round)
    {
        const long Megabyte = 1 << 20;
        int warm = rounds / 4;
        (long Managed, long Resident, ulong Records, int Threads) first = default;
        for (int i = 0; i < rounds; i++)
        {
            round();
            Collector.Collect();
            _ = Greenlet.Current;
            (ulong live, ulong pooled) = StackPools.Count();
            ng_clr_statistics statistics;
            _ = NativeMethods.ng_clr_query(&statistics);
            using Process process = Process.GetCurrentProcess();
            (long Managed, long Resident, ulong Records, int Threads) now =
                (GC.GetTotalMemory(forceFullCollection: true), process.WorkingSet64, statistics.records, process.Threads.Count);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{i}: {live} live, {pooled} pooled, {now}"));
            Check(live == 0, $"{live} segments are live");
            Check(statistics.records - statistics.records_free <= 2, $"{statistics.records - statistics.records_free} records are in use");
            if (i == warm)
            {
                first = now;
            }
            else if (i > warm)
            {
                Check(now.Managed - first.Managed < Megabyte, "managed memory does not grow");
                Check(now.Resident - first.Resident < 64 * Megabyte, "resident memory does not grow");
                Check(now.Records <= first.Records, "thread records do not grow");
                Check(now.Threads <= first.Threads + 4, "threads do not grow");
            }
        }

        Console.WriteLine("done");
    }

    private static void Check(bool isSo, string what)
    {
        if (!isSo)
        {
            throw new InvalidOperationException($"Not so: {what}");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Abandon(int[] finallies) => Suspend(finallies);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Greenlet Suspend(int[] finallies)
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() =>
        {
            try
            {
                _ = main.Switch();
            }
            finally
            {
                finallies[0]++;
            }
        });
        _ = greenlet.Switch();
        return greenlet;
    }
}
