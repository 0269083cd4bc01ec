using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Readiness;

/// <summary>One direction of a socket: who waits for it to be ready, and whether it has become so meanwhile. Used under the
/// lock of its <see cref="SocketReadiness"/>.</summary>
internal sealed class SocketDirection
{
    private Waiter? _waiter;
    private long _wait;
    private bool _isSignalled;

    /// <summary>Whether somebody waits for it to be ready.</summary>
    public bool IsWaitedFor => _waiter is not null;

    /// <summary>Takes the signal that the socket has become ready, and clears it.</summary>
    /// <returns>Whether there was a signal since the last call.</returns>
    public bool TakeSignal()
    {
        bool isSignalled = _isSignalled;
        _isSignalled = false;
        return isSignalled;
    }

    public void BeginWait(Waiter waiter, long wait)
    {
        _waiter = waiter;
        _wait = wait;
    }

    public void EndWait() => _waiter = null;

    /// <summary>It has become ready: whoever waits for it is woken, or else it is kept for the next.</summary>
    public void Signal()
    {
        Waiter? waiter = _waiter;
        _waiter = null;
        _isSignalled = waiter is null || !waiter.TryWake(_wait, WakeReason.Signalled);
    }
}
