using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Thread"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Thread))]
[StackTraceHidden]
public static class ThreadTwin
{
    public static void Sleep(int millisecondsTimeout)
    {
        if (Parking.IsOriginal(millisecondsTimeout))
        {
            Thread.Sleep(millisecondsTimeout);
            return;
        }

        Hub.Sleep(Parking.Time(millisecondsTimeout));
    }

    public static void Sleep(TimeSpan timeout)
    {
        if (Parking.IsOriginal(timeout))
        {
            Thread.Sleep(timeout);
            return;
        }

        Hub.Sleep(timeout);
    }

    public static bool Yield()
    {
        if (!Hub.IsInside)
        {
            return Thread.Yield();
        }

        Hub.Yield();
        return true;
    }

    public static void SpinWait(int iterations)
    {
        Thread.SpinWait(iterations);
        if (Hub.IsInside)
        {
            Hub.Yield(); // what is waited for may be done by another task of the hub
        }
    }

    public static void Join(Thread self)
    {
        if (!Hub.IsInside)
        {
            self.Join();
            return;
        }

        Parking.Until(() => self.Join(0), Timeout.InfiniteTimeSpan);
    }

    public static bool Join(Thread self, int millisecondsTimeout) =>
        Parking.IsOriginal(millisecondsTimeout)
            ? self.Join(millisecondsTimeout)
            : Parking.Until(() => self.Join(0), Parking.Time(millisecondsTimeout));

    public static bool Join(Thread self, TimeSpan timeout) =>
        Parking.IsOriginal(timeout) ? self.Join(timeout) : Parking.Until(() => self.Join(0), timeout);
}
