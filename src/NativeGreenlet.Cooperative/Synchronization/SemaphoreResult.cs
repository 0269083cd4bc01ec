namespace NativeGreenlet.Cooperative.Synchronization;

/// <summary>How a wait for a permit ended.</summary>
internal enum SemaphoreResult
{
    /// <summary>With a permit.</summary>
    Taken,

    /// <summary>The time is up.</summary>
    TimedOut,

    /// <summary>Without one: all who waited were sent away.</summary>
    Refused,
}
