using System.Globalization;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>The exception that traces throw on purpose. It carries contents that its handlers compare.</summary>
internal sealed class TraceException(int stamp) : Exception(Text(stamp))
{
    private readonly Cell _cell = new(stamp);

    public int Stamp { get; } = stamp;

    public void Verify()
    {
        Check.That(_cell.Is(Stamp));
        Check.That(Message == Text(Stamp));
    }

    /// <summary>Throws one from a frame of its own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Throw(int stamp) => throw new TraceException(stamp);

    private static string Text(int stamp) => string.Create(CultureInfo.InvariantCulture, $"trace exception {stamp}");
}
