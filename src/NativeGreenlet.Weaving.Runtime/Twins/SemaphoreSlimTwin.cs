using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="SemaphoreSlim"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(SemaphoreSlim))]
[StackTraceHidden]
public static class SemaphoreSlimTwin
{
    public static void Wait(SemaphoreSlim self) => Wait(self, Timeout.Infinite, CancellationToken.None);

    public static void Wait(SemaphoreSlim self, CancellationToken cancellationToken) => Wait(self, Timeout.Infinite, cancellationToken);

    public static bool Wait(SemaphoreSlim self, int millisecondsTimeout) => Wait(self, millisecondsTimeout, CancellationToken.None);

    public static bool Wait(SemaphoreSlim self, TimeSpan timeout) => Wait(self, timeout, CancellationToken.None);

    public static bool Wait(SemaphoreSlim self, TimeSpan timeout, CancellationToken cancellationToken) =>
        Parking.IsOriginal(timeout) ? self.Wait(timeout, cancellationToken) : Wait(self, (int)timeout.TotalMilliseconds, cancellationToken);

    public static bool Wait(SemaphoreSlim self, int millisecondsTimeout, CancellationToken cancellationToken)
    {
        if (millisecondsTimeout == 0 || Parking.IsOriginal(millisecondsTimeout))
        {
            return self.Wait(millisecondsTimeout, cancellationToken);
        }

        return self.Wait(0, cancellationToken)
            || Parking.Run(token => self.WaitAsync(millisecondsTimeout, token), cancellationToken, isTaken => GiveBack(self, isTaken));
    }

    private static void GiveBack(SemaphoreSlim semaphore, bool isTaken)
    {
        if (isTaken)
        {
            semaphore.Release();
        }
    }
}
