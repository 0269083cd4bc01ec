using System.Diagnostics.Metrics;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>The histograms of the meter.</summary>
internal sealed class HubTimes(Meter meter)
{
    private static readonly InstrumentAdvice<double> s_advice = new()
    {
        HistogramBucketBoundaries = [0.00001, 0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    };

    private readonly Histogram<double> _queue = Create(meter, "nativegreenlet.task.queue.duration", "How long what can go on waits for its turn.");
    private readonly Histogram<double> _run = Create(meter, "nativegreenlet.task.run.duration", "How long a task runs until it waits: nothing else of its hub goes on meanwhile.");
    private readonly Histogram<double> _wait = Create(meter, "nativegreenlet.task.wait.duration", "How long a task waits, until it goes on.");

    public static Func<HubTimes, Histogram<double>> Queue { get; } = times => times._queue;

    public static Func<HubTimes, Histogram<double>> Run { get; } = times => times._run;

    public static Func<HubTimes, Histogram<double>> Wait { get; } = times => times._wait;

    /// <summary>Whether somebody listens to one of them.</summary>
    public bool IsWanted => _queue.Enabled || _run.Enabled || _wait.Enabled;

    private static Histogram<double> Create(Meter meter, string name, string description) => meter.CreateHistogram(name, "s", description, tags: null, s_advice);
}
