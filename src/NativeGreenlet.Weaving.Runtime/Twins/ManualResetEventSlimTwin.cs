using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="ManualResetEventSlim"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(ManualResetEventSlim))]
[StackTraceHidden]
public static class ManualResetEventSlimTwin
{
    public static void Wait(ManualResetEventSlim self) => Wait(self, Timeout.Infinite, CancellationToken.None);

    public static void Wait(ManualResetEventSlim self, CancellationToken cancellationToken) => Wait(self, Timeout.Infinite, cancellationToken);

    public static bool Wait(ManualResetEventSlim self, int millisecondsTimeout) => Wait(self, millisecondsTimeout, CancellationToken.None);

    public static bool Wait(ManualResetEventSlim self, TimeSpan timeout) => Wait(self, timeout, CancellationToken.None);

    public static bool Wait(ManualResetEventSlim self, TimeSpan timeout, CancellationToken cancellationToken) =>
        self.IsSet || Parking.IsOriginal(timeout)
            ? self.Wait(timeout, cancellationToken)
            : Handles.Wait(self.WaitHandle, timeout, cancellationToken);

    public static bool Wait(ManualResetEventSlim self, int millisecondsTimeout, CancellationToken cancellationToken) =>
        self.IsSet || Parking.IsOriginal(millisecondsTimeout)
            ? self.Wait(millisecondsTimeout, cancellationToken)
            : Handles.Wait(self.WaitHandle, Parking.Time(millisecondsTimeout), cancellationToken);
}
