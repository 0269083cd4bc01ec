using System.Globalization;
using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>Finds out whose fault a failure is: runs the traces in question again, on greenlets alone and on plain threads
/// alone, each in processes of their own.</summary>
/// <remarks>Plain threads get at least as many attempts, and as much time, as greenlets needed to fail.</remarks>
internal sealed class Investigation(Options options, RuntimeSetting setting)
{
    private const int Attempts = 3;
    private static readonly TimeSpan s_mostPatience = TimeSpan.FromSeconds(20);

    /// <summary>Looks into a failure.</summary>
    /// <param name="child">The process that failed.</param>
    public Finding Blame(Child child)
    {
        foreach (ulong seed in child.Running)
        {
            if (Blame(options with { Seed = seed }, seed, options.EvidenceTime) is { } finding)
            {
                return finding;
            }
        }

        // No trace fails alone: then all of them, from the first on.
        return options.Seed is null && Blame(options, null, child.Elapsed + options.EvidenceTime) is { } found
            ? found
            : new Finding(Supervision.Blame.Unknown, child.Running.Count > 0 ? child.Running[0] : options.Seed, $"it did not happen again; it was: {child.Summary}", child.Elapsed);
    }

    private Finding? Blame(Options question, ulong? seed, TimeSpan time)
    {
        Child greenlets = Run(question, Hosts.Greenlets, time);
        TimeSpan longer = 3 * greenlets.ActiveTime;
        Child control = Run(question, Hosts.Control, greenlets.Ending == Ending.Passed || longer < time ? time : longer);
        if (control.Ending != Ending.Passed)
        {
            string also = greenlets.Ending == Ending.Passed ? "greenlets pass" : $"on greenlets: {greenlets.Summary}";
            return new Finding(Supervision.Blame.Runtime, seed, $"plain threads fail without the library, so it is the runtime's fault or the fuzzer's own: {control.Summary}; {also}", control.ActiveTime);
        }

        if (greenlets.Ending != Ending.Passed)
        {
            return new Finding(Supervision.Blame.Greenlets, seed, $"{greenlets.Summary}; plain threads pass", greenlets.ActiveTime);
        }

        return greenlets.Log == control.Log
            ? null
            : new Finding(Supervision.Blame.Greenlets, seed, "greenlets do each time what plain threads never do", TimeSpan.Zero);
    }

    // The first attempt that fails, or the last. Attempts must agree on what the trace does, too.
    private Child Run(Options question, Hosts hosts, TimeSpan time)
    {
        Child child = null!;
        for (int i = 0; i < Attempts; i++)
        {
            child = Child.Run(
                question with { Hosts = hosts, Time = time, Patience = options.Patience < s_mostPatience ? options.Patience : s_mostPatience },
                setting);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {(question.Seed is { } seed ? SeedSequence.Format(seed) : "all seeds")} on {hosts}: {child.Ending} after {child.Elapsed.TotalSeconds:F1} s ({child.Summary})"));
            if (child.Ending != Ending.Passed)
            {
                break;
            }
        }

        return child;
    }
}
