using System.Globalization;
using System.Text;

namespace NativeGreenlet.Tests.Properties;

/// <summary>What one operation of a random program does.</summary>
internal enum Act
{
    Create,
    Switch,
    Throw,
    Reparent,
    Dispose,
    Drop,
    Collect,
    Raise,
}

/// <summary>One operation. Plain data: <see cref="GreenletModel"/> predicts it, <see cref="ProgramRunner"/> does it.</summary>
/// <param name="Act">What to do.</param>
/// <param name="Target">Whom to do it to: a slot, or one of <see cref="Whom"/>.</param>
/// <param name="Other">The parent to create with or to set: a slot, or one of <see cref="Whom"/>.</param>
/// <param name="Value">What to switch with; which body to create with; which exception (<see cref="Mishap"/>).</param>
/// <param name="Handler">What to do in the catch block around the operation; null if there is none.</param>
internal sealed record Operation(Act Act, int Target, int Other, int Value, IReadOnlyList<Operation>? Handler)
{
    public override string ToString()
    {
        string text = Act switch
        {
            Act.Create => $"create {Whom.Name(Target)} body {Value} parent {Whom.Name(Other)}",
            Act.Switch => $"switch {Whom.Name(Target)} {Value}",
            Act.Throw => $"throw {Whom.Name(Target)} {Mishap.Name(Value)}",
            Act.Reparent => $"parent {Whom.Name(Target)} {Whom.Name(Other)}",
            Act.Dispose => $"dispose {Whom.Name(Target)}",
            Act.Drop => $"drop {Whom.Name(Target)}",
            Act.Collect => "collect",
            _ => $"raise {Mishap.Name(Value)}",
        };
        return Handler is null ? text : $"{text} catch {{ {string.Join("; ", Handler)} }}";
    }
}

/// <summary>The greenlets that an operation can name besides those in slots.</summary>
internal static class Whom
{
    public const int Parent = -1;
    public const int Main = -2;
    public const int Self = -3;
    public const int Nobody = -4; // no parent given: the current greenlet

    /// <summary>Whether the current greenlet must be asked for, which is a use of the library.</summary>
    public static bool AsksForCurrent(int whom) => whom is Parent or Self;

    public static string Name(int whom) => whom switch
    {
        Parent => "its parent",
        Main => "main",
        Self => "itself",
        Nobody => "none",
        _ => string.Create(CultureInfo.InvariantCulture, $"#{whom}"),
    };
}

/// <summary>The exceptions of random programs, by number: 0 is <see cref="GreenletExit"/>, negative ones are of a class
/// derived from it, positive ones are errors.</summary>
internal static class Mishap
{
    public static string Name(int number) => number switch
    {
        0 => "Exit",
        < 0 => string.Create(CultureInfo.InvariantCulture, $"Exit {-number}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"Error {number}"),
    };
}

/// <summary>What a greenlet runs.</summary>
/// <param name="Operations">What it does.</param>
/// <param name="Finally">What it does in its finally block.</param>
/// <param name="Fails">Whether it ends by an exception.</param>
/// <param name="Ending">The value it returns, or which exception it ends by.</param>
internal sealed record Body(IReadOnlyList<Operation> Operations, IReadOnlyList<Operation> Finally, bool Fails, int Ending)
{
    public override string ToString() =>
        $"{{ {string.Join("; ", Operations)}; {(Fails ? $"raise {Mishap.Name(Ending)}" : $"return {Ending}")} }} finally {{ {string.Join("; ", Finally)} }}";
}

/// <summary>A random program: what the main greenlet does, and the bodies that it and others create greenlets with.</summary>
internal sealed record GreenletProgram(IReadOnlyList<Operation> Main, IReadOnlyList<Body> Bodies)
{
    /// <summary>Places for references to greenlets; there are no others, so what is in no slot may be collected.</summary>
    public const int Slots = 4;

    /// <summary>Operations done at most; those after that are passed over, so that every program ends.</summary>
    public const int Fuel = 150;

    /// <summary>The root of every tree is swept so often at the end.</summary>
    public const int Sweeps = 3;

    /// <summary>The number of the main greenlet; others are numbered from 1 as they are created.</summary>
    public const int MainNumber = 0;

    public override string ToString()
    {
        StringBuilder text = new();
        foreach (Operation operation in Main)
        {
            _ = text.Append("  ").Append(operation).Append('\n');
        }

        for (int i = 0; i < Bodies.Count; i++)
        {
            _ = text.Append(CultureInfo.InvariantCulture, $"  body {i}: {Bodies[i]}\n");
        }

        return text.ToString();
    }
}
