namespace NativeGreenlet.Runtime;

/// <summary>Whether parked greenlets are frozen in this process, when, and why not.</summary>
internal static class FreezeSetting
{
    /// <summary>Says when greenlets are frozen: auto, off or always.</summary>
    public const string Variable = "NATIVEGREENLET_FREEZE";

    private static readonly string? s_wish = Environment.GetEnvironmentVariable(Variable);
    private static volatile string? s_reason;

    /// <summary>What was asked for.</summary>
    public static FreezeMode Wanted { get; } = Parse(s_wish);

    /// <summary>What holds: off as soon as something stands against it.</summary>
    public static FreezeMode Mode => s_reason is null ? Wanted : FreezeMode.Off;

    /// <summary>Text for the description of the process; empty if nothing was asked for.</summary>
    public static string Describe(GreenletBackend backend) =>
        string.IsNullOrEmpty(s_wish) ? string.Empty
        : s_reason is { } reason ? $"; parked greenlets are not frozen: {reason}"
        : Wanted == FreezeMode.Off ? $"; parked greenlets are not frozen ({Variable})"
        : backend != GreenletBackend.Segments ? $"; parked greenlets are not frozen: they are on Segments only"
        : $"; parked greenlets are frozen, {Wanted.ToString().ToLowerInvariant()} ({Variable})";

    /// <summary>Ends freezing for the rest of the process. What is frozen is thawed as it is used.</summary>
    /// <param name="reason">What does not hold.</param>
    public static void TurnOff(string reason) => s_reason ??= reason;

    private static FreezeMode Parse(string? wish)
    {
        if (string.IsNullOrEmpty(wish))
        {
            return FreezeMode.Off;
        }

        if (Enum.TryParse(wish, ignoreCase: true, out FreezeMode mode) && Enum.IsDefined(mode) && !char.IsDigit(wish[0]))
        {
            return mode;
        }

        TurnOff($"{Variable} is '{wish}'; it can be auto, off or always");
        return FreezeMode.Off;
    }
}
