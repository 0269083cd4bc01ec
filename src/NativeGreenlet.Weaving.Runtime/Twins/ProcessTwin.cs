using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Process"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Process))]
[StackTraceHidden]
public static class ProcessTwin
{
    public static void WaitForExit(Process self)
    {
        if (!Hub.IsInside)
        {
            self.WaitForExit();
            return;
        }

        Parking.Run(self.WaitForExitAsync);
    }

    public static bool WaitForExit(Process self, int milliseconds) =>
        Parking.IsOriginal(milliseconds) ? self.WaitForExit(milliseconds) : WaitInHub(self, Parking.Time(milliseconds));

    public static bool WaitForExit(Process self, TimeSpan timeout) =>
        Parking.IsOriginal(timeout) ? self.WaitForExit(timeout) : WaitInHub(self, timeout);

    // As the original: with a time, the end of what the process writes is not waited for.
    private static bool WaitInHub(Process process, TimeSpan timeout) => Parking.Until(() => process.WaitForExit(0), timeout);
}
