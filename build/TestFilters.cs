namespace NativeGreenlet.Build;

/// <summary>Which tests run when. Every test is in <see cref="Short"/>, <see cref="Long"/> or <see cref="Alone"/>.</summary>
internal static class TestFilters
{
    // What repeats the short tests for longer or in processes of their own, needs servers or debuggers, or publishes programs.
    private static readonly string[] s_long = ["Clients", "Clusters", "Fuzzing", "Leaks", "OtherBackendTests", "Publish", "Survival", "Tools.Tests"];

    // Of the cooperative layer's: short ones over again, with many rounds or without the poller.
    private static readonly string[] s_rounds = ["LeftoverTests", "Soak", "WithoutPollerTests"];

    // What need not be run on every backend: tests that choose their own, in processes of their own.
    private static readonly string[] s_anyBackend =
        ["Analyzers.Tests", "Faults", "Fuzzing", "Interop", "Leaks", "Platforms", "Properties", "Publish", "Runtime", "Slices", "Survival", "Tools.Tests"];

    // What reaches stacks only through the cooperative layer. That is tested on every backend in each run, these in test full.
    private static readonly string[] s_upper = ["Akka.Tests", "AspNetCore.Tests", "Hosting.Tests", "IO", "Orleans.Tests", "Polly.Tests", "Samples", "Weaving.Tests"];

    // What is about this machine's tools, the compiler or the fuzzer, not about the runtime; and ten thousand rounds of everything, which take
    // too long for more than one.
    private static readonly string[] s_anyRuntime = ["Analyzers.Tests", "Clients", "Clusters", "FuzzerVerdictTests", "Leaks", "Platforms", "Publish", "Tools.Tests"];

    // What measures time, or has two threads for each step of a greenlet: next to another suite it would measure that one.
    private static readonly string[] s_alone = ["CostTests", "OtherBackendTests"];

    // The core's tests that a corrupted heap or a lost reference makes fail, perhaps once in many runs.
    private static readonly string[] s_memory = ["Faults", "Freezing", "Fuzzing.FuzzerTests", "Properties", "Runtime", "Slices", "Stacks", "Survival"];

    /// <summary>What <c>test</c> runs, on the backend of this machine.</summary>
    public static string Short { get; } = Without([.. s_long, .. s_rounds]);

    /// <summary>What <c>test full</c> adds, beside another suite.</summary>
    public static string Long { get; } = $"({With([.. s_long, .. s_rounds])})&{Without(s_alone)}";

    /// <summary>What of <see cref="Long"/> repeats operations ten thousand times, which takes as long as all the rest of an assembly.</summary>
    public static string Leaks { get; } = With(["Leaks"]);

    /// <summary>The rest of <see cref="Long"/>.</summary>
    public static string LongWithoutLeaks { get; } = $"{Long}&{Without(["Leaks"])}";

    /// <summary>What <c>test</c> repeats on another backend.</summary>
    public static string OtherBackend { get; } = Without([.. s_anyBackend.Union(s_long), .. s_upper, .. s_rounds]);

    /// <summary>What <c>test full</c> adds on another backend.</summary>
    public static string OtherBackendLong { get; } = $"({With([.. s_upper, .. s_rounds])})&{Without([.. s_anyBackend.Union(s_long)])}";

    /// <summary>What <c>test full</c> repeats where parked greenlets are not frozen.</summary>
    public static string Unfrozen { get; } = Without([.. s_anyBackend.Union(s_long), .. s_rounds, .. s_alone]);

    /// <summary>What <c>test full</c> repeats with assertions.</summary>
    public static string Asserting { get; } = Without([.. s_anyBackend.Union(s_long)]);

    /// <summary>What <c>test full</c> repeats on another runtime.</summary>
    public static string OtherRuntime { get; } = Without(s_anyRuntime);

    /// <summary>What of <see cref="OtherRuntime"/> runs beside the same tests on another runtime.</summary>
    public static string SideBySide { get; } = Without([.. s_anyRuntime, .. s_alone]);

    /// <summary>The rest of <see cref="OtherRuntime"/>, and of what <c>test full</c> adds.</summary>
    public static string Alone { get; } = With(s_alone);

    /// <summary>What <c>try-runtime</c> runs.</summary>
    public static string Trial { get; } = Without([.. s_anyRuntime.Union(s_long)]);

    /// <summary>Whether a test of that full name may fail because memory is not as it should be, or leaks: it never gets a second run.</summary>
    public static bool IsAboutMemory(string test) =>
        test.Contains(".Leaks.", StringComparison.Ordinal) || s_memory.Any(name => test.StartsWith($"NativeGreenlet.Tests.{name}.", StringComparison.Ordinal));

    private static string With(string[] names) => string.Join('|', names.Select(name => $"FullyQualifiedName~.{name}."));

    private static string Without(string[] names) => string.Join('&', names.Select(name => $"FullyQualifiedName!~.{name}."));
}
