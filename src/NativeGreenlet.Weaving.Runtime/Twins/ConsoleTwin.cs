using System.Diagnostics;
using System.Runtime.Versioning;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Console"/>, which a thread of its own does, in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Console))]
[StackTraceHidden]
public static class ConsoleTwin
{
    public static int Read() => Hub.IsInside ? Hub.OffloadLongRunning(Console.Read) : Console.Read();

    public static string? ReadLine() => Hub.IsInside ? Hub.OffloadLongRunning(Console.ReadLine) : Console.ReadLine();

    [UnsupportedOSPlatform("android")]
    [UnsupportedOSPlatform("browser")]
    [UnsupportedOSPlatform("ios")]
    [UnsupportedOSPlatform("tvos")]
    public static ConsoleKeyInfo ReadKey() => ReadKey(intercept: false);

    [UnsupportedOSPlatform("android")]
    [UnsupportedOSPlatform("browser")]
    [UnsupportedOSPlatform("ios")]
    [UnsupportedOSPlatform("tvos")]
    public static ConsoleKeyInfo ReadKey(bool intercept) => Hub.IsInside ? Hub.OffloadLongRunning(() => Console.ReadKey(intercept)) : Console.ReadKey(intercept);
}
