using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Faults made on purpose, to prove that they are found and blamed on the right side. They strike in traces that
/// have a certain kind of step.</summary>
internal sealed unsafe class Injection(string fault, bool isOn)
{
    public const string Names = "corrupt, crash, hang, differ";

    private static readonly nint s_nowhere = 64;
    private static readonly string[] s_faults = Names.Split(", ");

    /// <summary>None.</summary>
    public static Injection None { get; } = new(string.Empty, false);

    public static bool IsKnown(string fault) => s_faults.Contains(fault);

    /// <summary>Strikes if this is the place.</summary>
    public void Strike(Player player, Operation operation)
    {
        if (!isOn || operation.Kind != OperationKind.GenericVirtual)
        {
            return;
        }

        switch (fault)
        {
            case "corrupt" when player.Witness is { } witness:
                witness.Complement++;
                break;
            case "crash":
                NativeSort.Sort((int*)s_nowhere, 2, sizeof(int), (left, right) => 0); // in native code
                break;
            case "hang":
                Thread.Sleep(Timeout.Infinite);
                break;
            case "differ":
                player.Log.Add(0, Mark.Swallowed, operation.Id, 1);
                break;
            default:
                break;
        }
    }
}
