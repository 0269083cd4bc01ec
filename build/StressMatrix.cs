namespace NativeGreenlet.Build;

/// <summary>The stress program in every configuration of the collector and of the compiler: <c>stress matrix</c>.</summary>
internal static class StressMatrix
{
    private const string Program = "NativeGreenlet.Stress";

    private static readonly (string Name, Shell.Variables Variables)[] s_configurations =
    [
        ("default", []),
        ("server collector", new() { ["DOTNET_gcServer"] = "1", ["DOTNET_GCHeapCount"] = "2" }),
        ("not concurrent", new() { ["DOTNET_gcConcurrent"] = "0" }),
        ("server, not concurrent", new() { ["DOTNET_gcServer"] = "1", ["DOTNET_GCHeapCount"] = "2", ["DOTNET_gcConcurrent"] = "0" }),
        ("gen0 of 64 KiB", new() { ["DOTNET_GCgen0size"] = "0x10000" }),
        ("gen0 of 64 KiB, server", new() { ["DOTNET_GCgen0size"] = "0x10000", ["DOTNET_gcServer"] = "1", ["DOTNET_GCHeapCount"] = "2" }),
        ("HeapVerify", new() { ["DOTNET_HeapVerify"] = "1" }),
        ("gen0 of 256 KiB, HeapVerify", new() { ["DOTNET_GCgen0size"] = "0x40000", ["DOTNET_HeapVerify"] = "1" }),
        ("ConserveMemory", new() { ["DOTNET_GCConserveMemory"] = "9" }),
        ("TieredCompilation=0", new() { ["DOTNET_TieredCompilation"] = "0" }),
        ("TieredPGO=0", new() { ["DOTNET_TieredPGO"] = "0" }),
        ("JITMinOpts", new() { ["DOTNET_JITMinOpts"] = "1" }),
        ("on-stack replacement", new() { ["DOTNET_TC_QuickJitForLoops"] = "1", ["DOTNET_TC_OnStackReplacement_InitialCounter"] = "1", ["DOTNET_OSR_HitLimit"] = "1" }),
        ("ReadyToRun=0", new() { ["DOTNET_ReadyToRun"] = "0" }),
        ("nothing is frozen", new() { ["NATIVEGREENLET_FREEZE"] = "off" }),
        ("each park is frozen", new() { ["NATIVEGREENLET_FREEZE"] = "always" }),
        ("on slices", new() { ["NATIVEGREENLET_BACKEND"] = "slices", ["DOTNET_gcConservative"] = "1" }),
        ("on threads", new() { ["NATIVEGREENLET_BACKEND"] = "threads" }),
    ];

    /// <summary>Runs all.</summary>
    /// <param name="seconds">How long each of them.</param>
    /// <param name="arguments">More arguments of the stress program.</param>
    /// <returns>Whether all passed.</returns>
    public static bool Run(int seconds, DotnetRuntime? runtime, params string[] arguments)
    {
        List<string> failed = [];
        foreach ((string name, Shell.Variables variables) in s_configurations)
        {
            // Slices need Linux.
            if (name == "on slices" && !OperatingSystem.IsLinux())
            {
                continue;
            }

            // Generated code ends a conservative collector's process, with plain threads, too (docs/strategies.md).
            string[] scenario = name == "on slices" ? ["--scenario", "hold,catch,filters,invoke,sort,native,activator,iterators,async,throw,spawn"] : [];
            Terminal.Say($"Stress, {seconds} s: {name}");
            string title = $"Stress on {(runtime is null ? "the SDK's runtime" : $".NET {runtime.Version}")}: {name}";
            if (!Managed.Passes(title, Program, ["--seconds", $"{seconds}", .. scenario, .. arguments], runtime, variables))
            {
                failed.Add(name);
            }
        }

        if (failed.Count != 0)
        {
            Terminal.Say($"Stress: FAILED: {string.Join(", ", failed)}");
        }

        return failed.Count == 0;
    }
}
