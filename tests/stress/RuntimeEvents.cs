using System.Buffers;
using System.Diagnostics.Tracing;

namespace NativeGreenlet.Stress;

/// <summary>The event sources of the runtime that come into being when they are first needed.</summary>
internal static class RuntimeEvents
{
    /// <summary>Makes them, before a session of events may begin. One that begins while another thread makes them can
    /// deadlock, in any .NET 10 process (dotnet/runtime issues 105682, 119014): the session has the lock of all listeners
    /// and waits for a source's static constructor, which waits for that lock.</summary>
    public static void MakeSources()
    {
        EventSource.SetCurrentThreadActivityId(EventSource.CurrentThreadActivityId); // that of tasks
        ArrayPool<byte>.Shared.Return(ArrayPool<byte>.Shared.Rent(1)); // that of pools
        using ManualResetEventSlim isDone = new();
        _ = ThreadPool.QueueUserWorkItem(_ => isDone.Set()); // that of the framework
        isDone.Wait();
    }
}
