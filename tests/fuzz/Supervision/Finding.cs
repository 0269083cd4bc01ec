using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>A failure, and whose fault it is.</summary>
/// <param name="Blame">Whose.</param>
/// <param name="Seed">The trace that fails; null if it takes those before it, too.</param>
/// <param name="Evidence">What decided.</param>
/// <param name="FailureTime">How long it took the trace to fail.</param>
internal sealed record Finding(Blame Blame, ulong? Seed, string Evidence, TimeSpan FailureTime)
{
    public const int OursCode = 1;
    public const int RuntimeCode = 3;

    public string Verdict => Blame switch
    {
        Blame.Greenlets => "VERDICT greenlets: ",
        Blame.Runtime => "VERDICT runtime, not us: ",
        _ => "VERDICT unknown, so ours: ",
    } + Evidence;

    public string Name => Seed is { } seed ? $"seed {SeedSequence.Format(seed)}" : "no single seed";
}
