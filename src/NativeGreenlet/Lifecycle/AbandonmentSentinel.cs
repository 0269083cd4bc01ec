using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Lifecycle;

/// <summary>
/// An object that only a greenlet's public object refers to, and that refers back to it. When its finalizer runs, nobody
/// can reach the greenlet any more; the finalizer hands it to its thread to be killed. Kept apart from
/// <see cref="Greenlet"/> so that greenlets which never start, or are dead, cost the finalizer nothing.
/// </summary>
internal sealed class AbandonmentSentinel
{
    private Greenlet? _greenlet;

    ~AbandonmentSentinel()
    {
        HasRun = true;
        if (_greenlet is { } greenlet)
        {
            greenlet.Core.Carrier?.EnqueueKill(greenlet, isAbandoned: true);
        }
    }

    /// <summary>Whether the finalizer ran, so that it will not run again by itself.</summary>
    public bool HasRun { get; private set; }

    /// <summary>Watches a greenlet, or none.</summary>
    public void Watch(Greenlet? greenlet) => _greenlet = greenlet;

    /// <summary>Watches on after the finalizer ran and the greenlet lives.</summary>
    public void WatchAgain()
    {
        if (HasRun)
        {
            HasRun = false;
            GC.ReRegisterForFinalize(this);
        }
    }
}
