namespace NativeGreenlet.Fuzz.Execution;

/// <summary>What is passed with a switch, and returned by bodies.</summary>
internal sealed class Letter(int stamp)
{
    private readonly Cell _cell = new(stamp);

    public int Stamp { get; } = stamp;

    public void Verify() => Check.That(_cell.Is(Stamp));
}
