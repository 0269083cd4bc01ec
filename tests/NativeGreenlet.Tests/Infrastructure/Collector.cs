using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>The garbage collector, made to act now.</summary>
internal static class Collector
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_shortPatience = TimeSpan.FromSeconds(1); // what a stray word keeps it keeps for long

    /// <summary>Collects everything that is unreachable, and what its finalizers leave behind.</summary>
    public static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            WipeStack();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>Collects until something is so. Objects may be kept for a moment by registers or pending finalizers.</summary>
    public static void CollectUntil(Func<bool> isSo, string what)
    {
        Stopwatch watch = Stopwatch.StartNew();
        do
        {
            Collect();
            if (isSo())
            {
                return;
            }

            Thread.Sleep(1);
        }
        while (watch.Elapsed < (InOwnProcess.IsWorthwhile ? s_shortPatience : s_patience));
        throw new KeptAliveException(what);
    }

    public static void AssertCollected<T>(WeakReference<T> reference, string what)
        where T : class =>
        CollectUntil(() => !reference.TryGetTarget(out _), what);

    // What methods that have returned left below. A conservative collector takes it for references, where frames that are
    // called next have holes.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WipeStack()
    {
        Span<byte> below = stackalloc byte[64 << 10];
        below.Clear();
    }
}
