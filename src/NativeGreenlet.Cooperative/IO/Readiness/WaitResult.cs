namespace NativeGreenlet.Cooperative.IO.Readiness;

/// <summary>How a wait for a socket ended.</summary>
internal enum WaitResult
{
    /// <summary>It may be ready: try.</summary>
    Ready,

    /// <summary>The time is up.</summary>
    TimedOut,

    /// <summary>The system has no poller for it, or another task waits for the same.</summary>
    Impossible,
}
