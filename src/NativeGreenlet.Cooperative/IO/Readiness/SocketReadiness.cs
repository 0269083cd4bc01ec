using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Interop;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Readiness;

/// <summary>
/// Who waits for a socket, to be told by the <see cref="Poller"/> of some hub. One task at a time in each direction.
/// </summary>
/// <remarks>
/// <para>It does not refer to the socket, and a poller refers to it: so a socket that was forgotten is still finalized.</para>
/// <para>Events are edges: each says that something has come since. One that nobody waits for is kept, so that the next
/// wait tries again first; who finds nothing and then waits can miss none.</para>
/// </remarks>
internal sealed class SocketReadiness : IPolled
{
    private const uint OfReceiving = Linux.Readable | Linux.Urgent | Linux.PeerEnded | Linux.HungUp | Linux.Failed;
    private const uint OfSending = Linux.Writable | Linux.HungUp | Linux.Failed;

    private readonly object _gate = new();
    private readonly SocketDirection _receiving = new();
    private readonly SocketDirection _sending = new();
    private Poller? _poller;
    private ulong _key;
    private volatile bool _mayEnd;
    private bool _isClosed;

    public SocketDirection Receiving => _receiving;

    public SocketDirection Sending => _sending;

    /// <summary>Whether something other than bytes has come: then a receive that brings fewer than were asked for is not a
    /// sign that there are no more.</summary>
    public bool MayEnd => _mayEnd;

    /// <summary>Parks until the socket may be ready.</summary>
    /// <param name="handle">The socket.</param>
    /// <param name="direction">For what.</param>
    /// <param name="what">For people.</param>
    /// <param name="due">The time limit, by <see cref="HubClock"/>.</param>
    public WaitResult Wait(SafeHandle handle, SocketDirection direction, string what, long due)
    {
        GreenTask task = Hub.RequireTask();
        Waiter waiter = task.Waiter;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, typeof(GreenSocket));
            if (direction.IsWaitedFor || !TryRegister(task.Hub, handle))
            {
                return WaitResult.Impossible;
            }

            if (direction.TakeSignal())
            {
                return WaitResult.Ready;
            }

            direction.BeginWait(waiter, waiter.Begin(what));
        }

        bool isReady = false;
        try
        {
            isReady = waiter.Park(due, isExternal: true);
        }
        finally
        {
            if (!isReady)
            {
                lock (_gate)
                {
                    direction.EndWait();
                }
            }
        }

        return isReady ? WaitResult.Ready : WaitResult.TimedOut;
    }

    /// <summary>The poller: something has come.</summary>
    public void Signal(uint events)
    {
        lock (_gate)
        {
            if ((events & ~(Linux.Readable | Linux.Writable)) != 0)
            {
                _mayEnd = true;
            }

            if ((events & OfReceiving) != 0)
            {
                _receiving.Signal();
            }

            if ((events & OfSending) != 0)
            {
                _sending.Signal();
            }
        }
    }

    /// <summary>A poller ends: who waits for it tries again, and is told by that of its own hub.</summary>
    public void Leave(Poller poller)
    {
        lock (_gate)
        {
            if (_poller == poller)
            {
                _poller = null;
                _receiving.Signal();
                _sending.Signal();
            }
        }
    }

    /// <summary>Who waits for the socket tries again. From any thread.</summary>
    public void Release(SafeHandle handle)
    {
        lock (_gate)
        {
            Unregister(handle);
            _receiving.Signal();
            _sending.Signal();
        }
    }

    /// <summary>The socket is about to be closed: who waits for it finds that out. From any thread.</summary>
    public void Close(SafeHandle handle)
    {
        lock (_gate)
        {
            _isClosed = true;
            Release(handle);
        }
    }

    // With the poller of the hub that waits; with another's as long as somebody waits by that.
    private bool TryRegister(Hub hub, SafeHandle handle)
    {
        if (hub.Poller is not { } poller)
        {
            return false;
        }

        if (_poller == poller || (_poller is not null && (_receiving.IsWaitedFor || _sending.IsWaitedFor)))
        {
            return true;
        }

        Unregister(handle);
        if (!poller.TryAdd(handle, this, out _key))
        {
            return false;
        }

        _poller = poller;
        return true;
    }

    private void Unregister(SafeHandle handle)
    {
        _poller?.Remove(handle, _key);
        _poller = null;
    }
}
