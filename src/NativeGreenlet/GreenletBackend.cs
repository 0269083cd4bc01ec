namespace NativeGreenlet;

/// <summary>The ways in which stacks are switched.</summary>
/// <example><code>
/// if (GreenletRuntime.Backend == GreenletBackend.Threads)
/// {
///     Console.WriteLine($"Every greenlet holds a thread here: {GreenletRuntime.Description}");
/// }
/// </code></example>
public enum GreenletBackend
{
    /// <summary>Each greenlet has a stack segment of its own, walked by the precise collector where it lies.</summary>
    Segments,

    /// <summary>Greenlets share their thread's stack and copy slices of it; needs a conservative collector.</summary>
    Slices,

    /// <summary>Each greenlet is an OS thread that runs when the baton is handed to it.</summary>
    Threads,
}
