namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>How a child process's runtime is set up.</summary>
/// <param name="Variables">Environment variables besides those that are inherited.</param>
internal sealed record RuntimeSetting(params (string Name, string Value)[] Variables)
{
    public static RuntimeSetting Default { get; } = new();

    /// <summary>What sessions take by turns.</summary>
    public static IReadOnlyList<RuntimeSetting> All { get; } =
    [
        Default,
        new(("DOTNET_TieredCompilation", "0")),
        new(("DOTNET_gcConcurrent", "0"), ("DOTNET_GCgen0size", "0x10000")),
        new(("DOTNET_TieredPGO", "0")),
        new(("DOTNET_gcServer", "1")),
        new(("DOTNET_ReadyToRun", "0")),
        new(("DOTNET_TC_OnStackReplacement_InitialCounter", "1"), ("DOTNET_OSR_HitLimit", "1")),
        new(("DOTNET_HeapVerify", "1"), ("DOTNET_GCgen0size", "0x40000")),
        new((Freezing.Variable, "off")),
        new((Freezing.Variable, "always")),
        new((Freezing.Variable, "always"), ("DOTNET_TieredCompilation", "0"), ("DOTNET_gcConcurrent", "0"), ("DOTNET_GCgen0size", "0x10000")),
    ];

    /// <summary>As a prefix of a command; empty for none.</summary>
    public override string ToString() => string.Concat(Variables.Select(variable => $"{variable.Name}={variable.Value} "));
}
