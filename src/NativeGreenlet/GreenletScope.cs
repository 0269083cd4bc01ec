using NativeGreenlet.Scheduling;


namespace NativeGreenlet;

/// <summary>
/// Ends, when disposed of, every greenlet that its thread started meanwhile and that is still suspended: their
/// <c>finally</c> blocks run.
/// </summary>
/// <remarks>
/// When a thread ends, nothing can run on it any more: greenlets that are still suspended on it are dead at once, without
/// their <c>finally</c> blocks. A thread that must clean up puts a scope around its work.
/// </remarks>
/// <example><code>
/// new Thread(() =>
/// {
///     using GreenletScope scope = GreenletScope.Enter();
///     // start and switch greenlets
/// }).Start();
/// </code></example>
public sealed class GreenletScope : IDisposable
{
    private readonly Carrier _carrier;
    private readonly GreenletCore _owner;
    private readonly long _startCount;
    private bool _isDisposed;

    private GreenletScope()
    {
        _owner = Greenlet.Current.Core;
        _carrier = Carrier.OfThisThread;
        _startCount = _carrier.StartCount;
    }

    /// <summary>Begins a scope for the greenlets that the calling thread starts from now on.</summary>
    /// <returns>The scope, to be disposed of by the same greenlet.</returns>
    public static GreenletScope Enter() => new();

    /// <summary>Ends the greenlets, the youngest first. What leaves one besides <see cref="GreenletExit"/> is reported
    /// by <see cref="Greenlet.UnobservedException"/>.</summary>
    /// <exception cref="InvalidOperationException">Another greenlet or thread began the scope.</exception>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        if (Greenlet.Current.Core != _owner)
        {
            throw new InvalidOperationException("A GreenletScope must be disposed of by the greenlet that entered it.");
        }

        _isDisposed = true;
        _carrier.DrainKills();
        _carrier.KillStartedAfter(_startCount);
    }
}
