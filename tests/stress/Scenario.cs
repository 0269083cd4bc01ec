using NativeGreenlet.Stress.Scenarios;

namespace NativeGreenlet.Stress;

/// <summary>Something that the program can do.</summary>
internal abstract class Scenario
{
    /// <summary>Those with a course of their own; activities in crowds are not among them.</summary>
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new GCPauseScenario(),
        new LimitsScenario(),
        new OrphansScenario(),
        new LeakScenario(),
        new FrozenScenario(),
        new ExitScenario(isInside: false),
        new ExitScenario(isInside: true),
        .. Enum.GetValues<OverflowScenario.Place>().Select(place => new OverflowScenario(place)),
    ];

    public abstract string Name { get; }

    public abstract string Summary { get; }

    /// <summary>How the process should end.</summary>
    public virtual string Expectation => "ok";

    /// <summary>Does it; returns the exit code.</summary>
    public abstract int Run(Options options);
}
