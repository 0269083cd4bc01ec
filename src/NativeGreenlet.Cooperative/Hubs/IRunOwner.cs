namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>Who has asked for a run from outside of its hub.</summary>
internal interface IRunOwner
{
    /// <summary>Whether it is to be refused, should it not have begun.</summary>
    CancellationToken Cancellation { get; }

    /// <summary>It has begun; in the hub.</summary>
    void HasBegun();

    /// <summary>It was too late for it; from any thread.</summary>
    /// <param name="reason">Why.</param>
    void WasRefused(Exception reason);

    /// <summary>It has ended; in the hub.</summary>
    void HasEnded();
}
