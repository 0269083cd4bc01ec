using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="SpinWait"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(SpinWait))]
[StackTraceHidden]
public static class SpinWaitTwin
{
    public static void SpinOnce(ref SpinWait self)
    {
        bool yields = self.NextSpinWillYield && Hub.IsInside;
        self.SpinOnce(yields ? -1 : 20);
        if (yields)
        {
            Hub.Yield();
        }
    }

    public static void SpinOnce(ref SpinWait self, int sleep1Threshold)
    {
        bool yields = self.NextSpinWillYield && sleep1Threshold >= -1 && Hub.IsInside;
        self.SpinOnce(yields ? -1 : sleep1Threshold);
        if (yields)
        {
            Hub.Yield();
        }
    }

    public static void SpinUntil(Func<bool> condition)
    {
        if (!Hub.IsInside || condition is null)
        {
            SpinWait.SpinUntil(condition!);
            return;
        }

        Parking.Until(condition, Timeout.InfiniteTimeSpan);
    }

    public static bool SpinUntil(Func<bool> condition, int millisecondsTimeout) =>
        Parking.IsOriginal(millisecondsTimeout) || condition is null
            ? SpinWait.SpinUntil(condition!, millisecondsTimeout)
            : Parking.Until(condition, Parking.Time(millisecondsTimeout));

    public static bool SpinUntil(Func<bool> condition, TimeSpan timeout) =>
        Parking.IsOriginal(timeout) || condition is null
            ? SpinWait.SpinUntil(condition!, timeout)
            : Parking.Until(condition, timeout);
}
