namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>Whether a run goes on. What notes who has used it keeps this instead of the run, which has tasks and all that
/// they captured.</summary>
internal sealed class RunLife
{
    private volatile bool _hasEnded;

    /// <summary>From any thread.</summary>
    public bool HasEnded => _hasEnded;

    /// <summary>The run has ended.</summary>
    public void End() => _hasEnded = true;
}
