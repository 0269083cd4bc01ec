using System.Diagnostics;
using NativeGreenlet;

// What a support case should start with: does it work on this machine, and how.
long start = Stopwatch.GetTimestamp();
int collections = GC.CollectionCount(0);
try
{
    GreenletBackend backend = GreenletRuntime.Backend;
    Console.WriteLine($"{backend} chosen in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F1} ms and {GC.CollectionCount(0) - collections} collections");
    Console.Write(GreenletRuntime.SelfTest());
    // --require Segments: for scripts, to which another backend is a failure.
    return args is ["--require", { } required] && required != backend.ToString() ? 1 : 0;
}
catch (GreenletException exception)
{
    Console.Error.WriteLine($"{exception.Reason}: {exception.Message}");
    return 1;
}
