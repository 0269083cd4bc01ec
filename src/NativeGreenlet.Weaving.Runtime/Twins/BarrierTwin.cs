using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Barrier"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Barrier))]
[StackTraceHidden]
public static class BarrierTwin
{
    public static void SignalAndWait(Barrier self) => SignalAndWait(self, Timeout.Infinite, CancellationToken.None);

    public static void SignalAndWait(Barrier self, CancellationToken cancellationToken) => SignalAndWait(self, Timeout.Infinite, cancellationToken);

    public static bool SignalAndWait(Barrier self, TimeSpan timeout) => SignalAndWait(self, timeout, CancellationToken.None);

    public static bool SignalAndWait(Barrier self, TimeSpan timeout, CancellationToken cancellationToken) =>
        Parking.IsOriginal(timeout) ? self.SignalAndWait(timeout, cancellationToken) : SignalAndWait(self, (int)timeout.TotalMilliseconds, cancellationToken);

    public static bool SignalAndWait(Barrier self, int millisecondsTimeout) => SignalAndWait(self, millisecondsTimeout, CancellationToken.None);

    // The last participant waits for nobody. Others need a thread each: nothing tells when a phase ends.
    public static bool SignalAndWait(Barrier self, int millisecondsTimeout, CancellationToken cancellationToken)
    {
        if (Parking.IsOriginal(millisecondsTimeout) || self.ParticipantsRemaining <= 1)
        {
            return self.SignalAndWait(millisecondsTimeout, cancellationToken);
        }

        return Parking.Run(
            token => Task.Factory.StartNew(
                () => Signal(self, millisecondsTimeout, cancellationToken, token),
                CancellationToken.None,
                TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
                TaskScheduler.Default));
    }

    private static bool Signal(Barrier barrier, int milliseconds, CancellationToken cancellationToken, CancellationToken givenUp)
    {
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, givenUp);
        try
        {
            return barrier.SignalAndWait(milliseconds, both.Token);
        }
        catch (OperationCanceledException exception) when (exception.CancellationToken == both.Token)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw;
        }
    }
}
