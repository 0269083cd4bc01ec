using System.Globalization;

namespace NativeGreenlet.Fuzz.Traces;

/// <summary>Random numbers that are the same on every platform and in every release (SplitMix64).</summary>
internal sealed class SeedSequence(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        return Mix(_state);
    }

    /// <summary>A number below a bound.</summary>
    public int Next(int bound) => (int)(Next() % (ulong)bound);

    /// <summary>True once in so many times.</summary>
    public bool Once(int inTimes) => Next(inTimes) == 0;

    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    public static string Format(ulong seed) => string.Create(CultureInfo.InvariantCulture, $"0x{seed:x}");

    /// <summary>Reads a decimal number, or a hexadecimal one that begins with 0x.</summary>
    public static bool TryParse(string text, out ulong seed) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out seed)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seed);
}
