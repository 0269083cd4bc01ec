using System.Collections.Concurrent;

namespace NativeGreenlet.Build;

/// <summary>Runs suites of tests beside each other. Most tests wait more than they compute, so there are more suites than processors.</summary>
internal static class TestPool
{
    // What takes longest begins first, so that nothing long is left for the end.
    private static readonly string[] s_longest = ["NativeGreenlet.Cooperative.Tests", "NativeGreenlet.Process.Tests", "NativeGreenlet.Tests", "NativeGreenlet.AspNetCore.Tests"];

    private static readonly int s_most = 3 * Environment.ProcessorCount;

    /// <summary>Runs them all, each assembly of a run in a process of its own. What fails runs again, alone.</summary>
    /// <param name="runs">The runs of managed tests.</param>
    /// <param name="native">The configurations of the C library whose tests run beside them.</param>
    /// <returns>Whether all passed, at once or alone.</returns>
    public static bool Run(IEnumerable<TestRun> runs, params string[] native)
    {
        DateTime start = DateTime.UtcNow;
        ConcurrentBag<TestRun> failed = [];
        bool passed = true;
        BlockingCollection<Action> waiting = [];
        foreach (string configuration in native)
        {
            waiting.Add(() =>
            {
                if (!Native.TestApart(configuration))
                {
                    Volatile.Write(ref passed, false);
                }
            });
        }

        foreach (TestRun run in runs.SelectMany(run => run.PerAssembly()).OrderBy(run => Rank(run.Subjects[0])))
        {
            waiting.Add(() =>
            {
                if (!run.RunApart())
                {
                    failed.Add(run);
                }
            });
        }

        waiting.CompleteAdding();
        Task.WhenAll(Enumerable.Range(0, s_most).Select(_ => Task.Factory.StartNew(RunWaiting, TaskCreationOptions.LongRunning))).GetAwaiter().GetResult(); // throws as they do
        return (failed.IsEmpty || SecondRun.Passes([.. failed], start)) && passed;

        void RunWaiting()
        {
            foreach (Action suite in waiting.GetConsumingEnumerable())
            {
                suite();
            }
        }
    }

    private static int Rank(string assembly)
    {
        int index = Array.IndexOf(s_longest, Path.GetFileNameWithoutExtension(assembly));
        return index < 0 ? s_longest.Length : index;
    }
}
