namespace NativeGreenlet.Benchmarks;

/// <summary>Greenlets on threads of their own, for the benchmarks that compare with them.</summary>
internal static class ThreadsBackend
{
    /// <summary>To be called before anything else of the library: a process chooses its backend once. The harness starts a
    /// process for each benchmark.</summary>
    public static void Choose()
    {
        Environment.SetEnvironmentVariable("NATIVEGREENLET_BACKEND", "threads");
        if (GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            throw new InvalidOperationException("This process has its backend already: not with --inProcess.");
        }
    }
}
