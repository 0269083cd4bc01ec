using System.Diagnostics;

namespace NativeGreenlet.Stress;

/// <summary>When to stop.</summary>
internal sealed class Deadline(TimeSpan time)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    public TimeSpan Elapsed => _clock.Elapsed;

    public bool HasPassed => _clock.Elapsed >= time;
}
