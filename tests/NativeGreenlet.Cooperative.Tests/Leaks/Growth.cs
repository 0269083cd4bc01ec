using System.Globalization;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>What an operation leaves behind when it is repeated: managed memory, memory of the system, descriptors.</summary>
internal static class Growth
{
    private const int WarmUp = 300; // rounds, for what is needed once
    private const int Tries = 3; // something else of the process may grow meanwhile
    private const int Samples = 20;
    private const int Moments = 40;

    // A round that leaves an object leaves at least 24 bytes; other threads of the process come and go.
    private const long BytesForEachRound = 8;
    private const long Noise = 100_000;

    // Of what the collector does not know: a TLS session has some 30,000, but heaps of C have holes.
    private const long NativeBytesForEachRound = 2_000;
    private const long NativeNoise = 32_000_000;

    // Closed by another side or another thread, a moment later. Nobody may rely on finalizers, so it is the most at any time.
    private const int SpareDescriptors = 24;

    /// <summary>Repeats an operation in the current task.</summary>
    /// <returns>What grows, or null if nothing does.</returns>
    public static string? TryFind(Operation operation, int rounds)
    {
        try
        {
            Repeat(operation, Math.Min(rounds, WarmUp));
            string? found = null;
            for (int i = 0; i < Tries; i++)
            {
                found = Try(operation, rounds);
                if (found is null)
                {
                    return null;
                }
            }

            return $"{operation}: {found} in {rounds} rounds";
        }
        catch (Exception exception) when (exception is not GreenletExit)
        {
            return $"{operation}: {exception}";
        }
    }

    /// <summary>All that grow.</summary>
    public static IEnumerable<string?> FindAll(IEnumerable<Operation> operations, int rounds) =>
        [.. operations.Select(operation => TryFind(operation, rounds)).Where(found => found is not null)];

    private static string? Try(Operation operation, int rounds)
    {
        long limit = (BytesForEachRound * rounds) + Noise + KeptBy(operation.Original, rounds);
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        int descriptors = Descriptors(); // after the finalizers, or those of the last rounds would make room for these
        (long resident, long native) = Memory();
        int most = Repeat(operation, rounds);
        managed = Settled(managed, limit) - managed;
        (long residentNow, long nativeNow) = Memory();
        resident = residentNow - resident;
        native = nativeNow - native;
        List<string> grown = [];
        if (managed > limit)
        {
            grown.Add($"{managed} bytes");
        }

        if (Math.Min(native, resident) > (NativeBytesForEachRound * rounds) + NativeNoise)
        {
            grown.Add($"{native} bytes that are not the collector's");
        }

        if (most > descriptors + SpareDescriptors)
        {
            grown.Add($"from {descriptors} to {most} descriptors at most, {Descriptors()} at last");
        }

        return grown.Count == 0 ? null : string.Join(", ", grown);
    }

    // What the same leaves behind without the library.
    private static long KeptBy(Action? original, int rounds)
    {
        if (original is null)
        {
            return 0;
        }

        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < rounds; i++)
        {
            original();
        }

        return Math.Max(0, GC.GetTotalMemory(forceFullCollection: true) - before);
    }

    // Other threads have yet to let go of some, .NET's of operations that were cancelled, for example.
    private static long Settled(long before, long limit)
    {
        long now = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < Moments && now - before > limit; i++)
        {
            Hub.Sleep(InHub.Tick * 50);
            now = GC.GetTotalMemory(forceFullCollection: true);
        }

        return now;
    }

    // Returns the most descriptors there were.
    private static int Repeat(Operation operation, int rounds)
    {
        int most = 0;
        int pause = Math.Max(1, rounds / Samples);
        for (int i = 1; i <= rounds; i++)
        {
            operation.Round();
            if (i % pause == 0)
            {
                most = Math.Max(most, Descriptors());
            }
        }

        Hub.Sleep(InHub.Tick); // what it has posted
        SpinWait.SpinUntil(() => ThreadPool.PendingWorkItemCount == 0, InHub.Long); // what it has left to the pool
        return most;
    }

    // Linux only.
    private static int Descriptors() => OperatingSystem.IsLinux() ? Directory.GetFileSystemEntries("/proc/self/fd").Length : 0;

    // What the process has in memory, and what of it is not the collector's. The collector may give up 64 MB that it had committed and never
    // touched: then the second grows and the first does not. What is leaked makes both grow.
    private static (long Resident, long Native) Memory()
    {
        if (!OperatingSystem.IsLinux())
        {
            return (0, 0);
        }

        long resident = long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        return (resident, resident - GC.GetGCMemoryInfo().TotalCommittedBytes);
    }
}
