namespace NativeGreenlet;

/// <summary>How stacks are switched in this process.</summary>
public enum GreenletBackend
{
    /// <summary>Each greenlet has a stack segment of its own, walked by the precise collector where it lies.</summary>
    Segments,

    /// <summary>Greenlets share their thread's stack and copy slices of it; needs a conservative collector.</summary>
    Slices,

    /// <summary>Each greenlet is an OS thread that runs when the baton is handed to it.</summary>
    Threads,
}
