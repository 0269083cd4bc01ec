namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>What this run of the tests is about.</summary>
internal static class ThisRun
{
    /// <summary>The backend that the run was started for, by NATIVEGREENLET_BACKEND; not what the library chose, so that a
    /// choice which is wrong skips no test.</summary>
    public static Backends Backend { get; } =
        Environment.GetEnvironmentVariable("NATIVEGREENLET_BACKEND") is { Length: > 0 } wish ? Enum.Parse<Backends>(wish, ignoreCase: true) : Backends.Segments;

    /// <summary>The number of the thread that executes. Inside a greenlet that has a thread for its stack: of the thread
    /// that it belongs to.</summary>
    public static int ThreadId => Backend == Backends.Threads ? Greenlet.Current.OwnerThreadId : Environment.CurrentManagedThreadId;
}
