namespace NativeGreenlet.Cooperative.IO.Readiness;

/// <summary>Whoever has the events of a socket from a <see cref="Poller"/>.</summary>
internal interface IPolled
{
    /// <summary>Something has come. In the thread of the poller's hub.</summary>
    /// <param name="events">What, as the system says it.</param>
    void Signal(uint events);

    /// <summary>The poller ends: there are no more events.</summary>
    /// <param name="poller">The poller.</param>
    void Leave(Poller poller);
}
