namespace NativeGreenlet.Benchmarks;

/// <summary>Runs a loop on a thread with nothing else on its stack, as that of a server's hub is. BenchmarkDotNet calls its benchmarks by
/// reflection, from native code, and there a switch also looks through the thread's words.</summary>
internal static class OwnThread
{
    /// <summary>How often a loop goes round: a thread and its first greenlet take some 100 microseconds, a round 25 nanoseconds.</summary>
    public const int Rounds = 500_000;

    /// <summary>Switches to a greenlet and back, that often.</summary>
    /// <param name="start">Makes the greenlet, suspended where it switches back.</param>
    public static void Switch(Func<Greenlet> start) => Run(() =>
    {
        using Greenlet greenlet = start();
        for (int i = 0; i < Rounds; i++)
        {
            greenlet.Switch();
        }
    });

    /// <summary>Runs an action.</summary>
    public static void Run(Action action)
    {
        Thread thread = new(() => action());
        thread.Start();
        thread.Join();
    }
}
