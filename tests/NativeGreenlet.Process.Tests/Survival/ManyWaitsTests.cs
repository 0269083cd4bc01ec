using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Faults;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Survival;

/// <summary>What many greenlets that wait cost the system: in child processes, where nobody else makes threads.</summary>
public class ManyWaitsTests
{
    private const int Count = 10_000;
    private const int FewThreads = 64;

    [LinuxFact]
    public void Ten_thousand_waits_inside_catch_take_no_threads_and_return_their_records() =>
        RunInChild(WaitInsideCatch, "segments");

    [LinuxFact]
    public void Where_each_wait_inside_catch_takes_a_thread_there_is_a_limit() => RunInChild(
        ReachLimitOfThreads,
        "segments",
        (NativeEngine.PathVariable, BreakableLibrary.Path),
        (BreakableLibrary.FaultVariable, "lending"));

    [LinuxFact]
    public void What_is_frozen_takes_none_of_them() => RunInChild(
        ReachLimitOfThreads,
        "segments",
        (FreezeSetting.Variable, "always"),
        (NativeEngine.PathVariable, BreakableLibrary.Path),
        (BreakableLibrary.FaultVariable, "lending"));

    [LinuxFact]
    public void The_system_runs_out_of_mappings_for_threads_and_the_program_goes_on() =>
        RunInChild(UseMappingsUpForThreads, "threads");

    // Records for what is frozen that are free just then.
    private static int ForFreezing => GreenletRuntime.Freezing == GreenletFreezing.Off ? 0 : 3;

    private static void RunInChild(Action body, string backend, params (string Name, string Value)[] more)
    {
        InChild.Result child = InChild.Run(body, [("NATIVEGREENLET_BACKEND", backend), .. more]);
        Assert.True(child.ExitCode == 0 && child.Output.TrimEnd().EndsWith("done", StringComparison.Ordinal), FaultProcess.Describe(child));
    }

    private static void WaitInsideCatch()
    {
        End(Park(1)); // makes what the first one makes
        int threads = CountThreads();
        for (int round = 0; round < 2; round++)
        {
            Greenlet[] parked = Park(Count);
            GC.Collect();
            Check.That(CountThreads() <= threads + FewThreads);
            Check.That(GreenletDiagnostics.ThreadRecords >= Count);
            End(parked);
            Check.That(CountThreads() <= threads + FewThreads);
        }

        for (int i = 0; i < 10 && GreenletDiagnostics.ThreadRecords > FewThreads + 1; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Check.That(GreenletDiagnostics.ThreadRecords <= FewThreads + 1 + ForFreezing);
        End(Park(Count / 10)); // and they can be made again
        Console.WriteLine("done");
    }

    private static void ReachLimitOfThreads()
    {
        Greenlet[] parked = Park(ThreadRecords.MostThreads);
        bool wasRefused = false;
        Greenlet main = Greenlet.Current;
        List<Greenlet> more = [];
        while (!wasRefused && more.Count <= ForFreezing)
        {
            more.Add(new Greenlet(() =>
            {
                try
                {
                    throw new InvalidTimeZoneException();
                }
                catch (InvalidTimeZoneException)
                {
                    try
                    {
                        _ = main.Switch();
                    }
                    catch (GreenletException exception)
                    {
                        wasRefused = exception.Reason == GreenletError.OutOfStacks && exception.Message.Contains("catch block", StringComparison.Ordinal);
                    }
                }
            }));
            _ = more[^1].Switch();
        }

        Check.That(wasRefused);
        End(parked);
        more.ForEach(greenlet => greenlet.Dispose());
        End(Park(10));
        Console.WriteLine("done");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Greenlet[] Park(int count)
    {
        Greenlet main = Greenlet.Current;
        Greenlet[] greenlets = [.. Enumerable.Range(0, count).Select(i => new Greenlet(() =>
        {
            object mine = new int[] { i };
            try
            {
                throw new InvalidTimeZoneException();
            }
            catch (InvalidTimeZoneException)
            {
                _ = main.Switch();
            }

            return ((int[])mine)[0];
        }))];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        return greenlets;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void End(Greenlet[] greenlets)
    {
        for (int i = 0; i < greenlets.Length; i++)
        {
            Check.That(Equals(greenlets[i].Switch(), i));
        }
    }

    private static void UseMappingsUpForThreads()
    {
        const int Left = 10_000; // of which an eighth of all, about 8,000, is for others
        Greenlet main = Greenlet.Current;
        List<Greenlet> parked = [];
        using (Libc.ExhaustMappings(Left))
        {
            GreenletException? refusal = null;
            while (refusal is null && parked.Count < Left / 4)
            {
                Greenlet greenlet = new(() => main.Switch());
                try
                {
                    _ = greenlet.Switch();
                    parked.Add(greenlet);
                }
                catch (GreenletException exception)
                {
                    refusal = exception;
                }
            }

            Check.That(refusal is { Reason: GreenletError.OutOfStacks } && refusal.Message.Contains("vm.max_map_count", StringComparison.Ordinal));
            Check.That(parked.Count > 50);
            GC.Collect();
            parked.ForEach(greenlet => Check.That(Equals(greenlet.Switch(parked.Count), parked.Count)));
        }

        End(Park(100)); // there is room again
        Console.WriteLine("done");
    }

    private static int CountThreads() => Directory.GetDirectories("/proc/self/task").Length;
}
