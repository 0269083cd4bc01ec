using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress;

/// <summary>The exception that bodies throw on purpose. It carries contents that its handlers compare.</summary>
internal sealed class Mishap : Exception
{
    private readonly Cell _cell;

    public Mishap(Actor actor, int stamp)
        : base(Text(stamp))
    {
        Stamp = stamp;
        _cell = new Cell(stamp);
        actor.Figures.Exceptions++;
    }

    public int Stamp { get; }

    public void Verify(int stamp)
    {
        Check.That(Stamp == stamp);
        Check.That(_cell.Is(stamp));
        Check.That(Message == Text(stamp));
    }

    /// <summary>Throws one from a frame of its own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Throw(Actor actor, int stamp) => throw new Mishap(actor, stamp);

    private static string Text(int stamp) => $"mishap {stamp}";
}
