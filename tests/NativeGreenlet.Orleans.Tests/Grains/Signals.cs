using System.Collections.Concurrent;

namespace NativeGreenlet.Orleans.Tests.Grains;

/// <summary>What grains of this process tell the test, and what it lets them wait for.</summary>
internal static class Signals
{
    private static readonly ConcurrentDictionary<string, TaskCompletionSource> s_signals = new();
    private static readonly ConcurrentDictionary<string, int> s_counts = new();

    public static Task Of(string key) => Source(key).Task;

    public static void Set(string key) => Source(key).TrySetResult();

    /// <summary>Counts, and sets the signal at a number.</summary>
    public static void Count(string key, int target)
    {
        if (s_counts.AddOrUpdate(key, 1, static (_, count) => count + 1) == target)
        {
            Set(key);
        }
    }

    private static TaskCompletionSource Source(string key) =>
        s_signals.GetOrAdd(key, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
