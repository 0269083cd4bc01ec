namespace NativeGreenlet.Runtime;

/// <summary>Whether parked greenlets are frozen in this process, when, and why not.</summary>
internal static class FreezeSetting
{
    /// <summary>Says when greenlets are frozen: auto, off or always.</summary>
    public const string Variable = "NATIVEGREENLET_FREEZE";

    private const GreenletFreezing Default = GreenletFreezing.Auto;

    private static readonly Lock s_lock = new();
    private static readonly string? s_variable = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } wish ? wish : null;
    private static GreenletFreezing? s_program; // what the program asks for
    private static volatile bool s_isSettled;
    private static volatile string? s_reason;
    private static volatile GreenletFreezing s_wanted = Parse(s_variable);

    /// <summary>What is asked for.</summary>
    public static GreenletFreezing Wanted => s_wanted;

    /// <summary>What holds: off as soon as something stands against it.</summary>
    public static GreenletFreezing Mode => s_reason is null ? s_wanted : GreenletFreezing.Off;

    /// <summary>Asks for something on behalf of the program. The variable has the last word.</summary>
    /// <param name="wish">When greenlets are frozen.</param>
    /// <returns>False if it is too late.</returns>
    public static bool TryAsk(GreenletFreezing wish)
    {
        lock (s_lock)
        {
            if (s_isSettled)
            {
                return false;
            }

            s_program = wish;
            if (s_variable is null)
            {
                s_wanted = wish;
            }

            return true;
        }
    }

    /// <summary>From here on nothing else can be asked for.</summary>
    public static void Settle()
    {
        if (!s_isSettled)
        {
            lock (s_lock)
            {
                s_isSettled = true;
            }
        }
    }

    /// <summary>Text for the description of the process.</summary>
    public static string Describe(GreenletBackend backend)
    {
        string origin = s_variable is not null ? Variable : s_program is not null ? $"{nameof(GreenletRuntime)}.{nameof(GreenletRuntime.Freezing)}" : "by default";
        return s_reason is { } reason ? $"; parked greenlets are not frozen: {reason}"
            : s_wanted == GreenletFreezing.Off ? backend == GreenletBackend.Segments ? $"; parked greenlets are not frozen ({origin})" : string.Empty
            : backend != GreenletBackend.Segments ? s_variable is null && s_program is null ? string.Empty : "; parked greenlets are not frozen: they are on Segments only"
            : $"; parked greenlets are frozen, {s_wanted.ToString().ToLowerInvariant()} ({origin})";
    }

    /// <summary>Ends freezing for the rest of the process. What is frozen is thawed as it is used.</summary>
    /// <param name="reason">What does not hold.</param>
    public static void TurnOff(string reason) => s_reason ??= reason;

    private static GreenletFreezing Parse(string? wish)
    {
        if (wish is null)
        {
            return Default;
        }

        if (Enum.TryParse(wish, ignoreCase: true, out GreenletFreezing mode) && Enum.IsDefined(mode) && !char.IsDigit(wish[0]))
        {
            return mode;
        }

        TurnOff($"{Variable} is '{wish}'; it can be auto, off or always");
        return GreenletFreezing.Off;
    }
}
