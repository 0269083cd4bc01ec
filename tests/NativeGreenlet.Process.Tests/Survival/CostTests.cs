using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Survival;

/// <summary>What must not grow.</summary>
[Collection(OneAtATime.Name)]
public unsafe class CostTests
{
    // What the scenario ends with when it measured too much: anything else, a crash for one, is not tried again.
    private const int TooSlow = 1;

    private const int Count = 100_000;
    private const int Rounds = 9;

    [ThreadStatic]
    private static Action? t_action;

    [Fact]
    public void Memory_threads_and_handles_stay_as_they_are() => Stress.Survives("--scenario leak", 8);

    // Against greenlets outside of one that are alone in the process, and against those beside as many that are inside. All code is as it
    // is in the end: the collector takes longer for frames of code that is not optimized yet.
    [Fact]
    public void A_collection_takes_little_longer_for_greenlets_inside_a_catch_block() => MeasuresOnceWell(("DOTNET_TieredCompilation", "0"));

    [LinuxFact]
    public void Memory_threads_and_handles_stay_as_they_are_on_slices() => Stress.Survives("--scenario leak", 8, Stress.OnSlices);

    [LinuxFact]
    public void A_collection_takes_little_longer_for_slices_inside_a_catch_block() => MeasuresOnceWell(Stress.OnSlices);

    // Tests are called by reflection, handlers of windows by the system: there a switch looks through the thread's words for those that lead
    // into the stack that is left.
    [OptimizedFact]
    public void A_switch_below_native_code_costs_little_more()
    {
        double ratio = Ratio(static () =>
        {
            Greenlet main = Greenlet.Current;
            using Greenlet child = new(() =>
            {
                while (true)
                {
                    main.Switch();
                }
            });
            for (int i = 0; i < Count; i++)
            {
                child.Switch();
            }
        });

        Assert.True(ratio <= 4, $"A switch and back takes {ratio:F2} times as long."); // 2.5; 7 where each word is looked at by itself
    }

    [OptimizedFact]
    public void A_greenlet_that_starts_below_native_code_costs_little_more()
    {
        Func<object?, object?> body = static value => value;
        double ratio = Ratio(() =>
        {
            for (int i = 0; i < Count; i++)
            {
                _ = new Greenlet(body).Switch();
            }
        });

        Assert.True(ratio <= 1.6, $"A whole life takes {ratio:F2} times as long."); // 1.1 to 1.2; 2 where the first switch makes a transition
    }

    // How long the collector takes for one and the same stacks depends on where a process has its heap, for the life of that process: with a
    // conservative collector 4,000 more stacks once made each collection shorter. A cost that grew shows in every process.
    private static void MeasuresOnceWell(params (string Name, string Value)[] environment)
    {
        const int Processes = 3;
        for (int i = 1; i < Processes; i++)
        {
            ChildProcess child = Stress.Run("--scenario gcpause", environment);
            if (child.ExitCode != TooSlow)
            {
                Stress.IsOk(child);
                return;
            }
        }

        _ = Stress.Survives("--scenario gcpause", environment);
    }

    // How much longer an action takes that native code has called: the medians of rounds in turn, on a thread with nothing else on its stack.
    private static double Ratio(Action action)
    {
        double ratio = 0;
        Thread thread = new(() =>
        {
            List<double> plain = [];
            List<double> called = [];
            for (int i = 0; i < Rounds; i++)
            {
                plain.Add(Time(action));
                called.Add(Time(() => CallBack(action)));
            }

            plain.Sort();
            called.Sort();
            ratio = called[Rounds / 2] / plain[Rounds / 2];
        });
        thread.Start();
        thread.Join();
        return ratio;
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Out of managed code and in again.
    private static void CallBack(Action action)
    {
        t_action = action;
        delegate* unmanaged<void> function = &Run;
        function();
    }

    [UnmanagedCallersOnly]
    private static void Run() => t_action!();
}
