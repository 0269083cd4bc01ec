using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Throws from a method that traces must name.</summary>
internal static class Throwing
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowDeepInside(string message) => throw new InvalidTimeZoneException(message);
}
