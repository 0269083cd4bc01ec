using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Interop;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// Uses a socket by system calls that do not wait; the <see cref="Poller"/> of the task's hub tells when to try again. Receiving
/// and sending allocate nothing and copy nothing, and a receive that is given up has not been begun.
/// </summary>
/// <remarks>Only for a connection that nobody else can reach: somebody else could close it, and whoever waits here would not be
/// told.</remarks>
internal sealed class ReadinessTransport : SocketTransport, IDisposable
{
    private static readonly TimeSpan s_smallestPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_largestPause = TimeSpan.FromMilliseconds(64);

    private readonly Socket _socket;
    private readonly SafeSocketHandle _handle;
    private readonly SocketReadiness _readiness = new();
    private readonly bool _givesAll; // a receive brings all there is, if there is room for it
    private bool _isDrained; // the last receive took all there was: the next need not be tried before something comes
    private volatile bool _isReleased;
    private bool _hasFailedToConnect;
    private bool _isCutOff; // a message was sent in part, and its rest never follows

    private ReadinessTransport(Socket socket)
    {
        _socket = socket;
        _handle = socket.SafeHandle;

        // Others have bounds inside: one of the file system where a descriptor was sent along, one of SCTP after each message.
        _givesAll = socket is { ProtocolType: ProtocolType.Tcp, AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 };
    }

    // It was forgotten: the socket closes itself, and a poller need not know it any more.
    ~ReadinessTransport() => _readiness.Release(_handle);

    /// <summary>Makes one for a connection.</summary>
    /// <param name="socket">The socket.</param>
    /// <returns>Null where hubs have no poller, or for another kind of socket.</returns>
    public static ReadinessTransport? TryCreate(Socket socket) =>
        Poller.IsSupported && socket.SocketType == SocketType.Stream ? new ReadinessTransport(socket) : null;

    /// <inheritdoc/>
    public override unsafe TransportResult Receive(Span<byte> buffer, SocketFlags flags, long deadline)
    {
        while (!buffer.IsEmpty && !_isReleased)
        {
            if (!_isDrained)
            {
                int count;
                fixed (byte* bytes = buffer)
                {
                    count = (int)Linux.Receive(_handle, bytes, buffer.Length, (int)flags | Linux.DoNotWait);
                }

                if (count >= 0)
                {
                    // What comes from now on is an event, but what has come with the end of the connection is not.
                    _isDrained = _givesAll && count != 0 && count < buffer.Length && flags == SocketFlags.None && !_readiness.MayEnd;
                    return TransportResult.Done(count);
                }

                int errno = Marshal.GetLastPInvokeError();
                if (errno == Linux.Interrupted)
                {
                    continue;
                }

                if (errno != Linux.WouldBlock)
                {
                    return TransportResult.Refused(errno);
                }
            }

            _isDrained = false;
            if (!WaitFor(_readiness.Receiving, "a read", deadline))
            {
                return TransportResult.TimedOut;
            }
        }

        return _isReleased ? TransportResult.HandedOver : TransportResult.Done();
    }

    /// <inheritdoc/>
    public override unsafe TransportResult Send(ReadOnlySpan<byte> buffer, SocketFlags flags, long deadline)
    {
        int sent = 0;
        try
        {
            // Should the socket be handed out in the middle, the rest must follow before anything else does.
            while (sent != buffer.Length && (sent != 0 || !_isReleased))
            {
                nint count;
                fixed (byte* bytes = buffer)
                {
                    count = Linux.Send(_handle, bytes + sent, buffer.Length - sent, (int)flags | Linux.DoNotWait | Linux.NoSignal);
                }

                if (count >= 0)
                {
                    sent += (int)count;
                    continue;
                }

                int errno = Marshal.GetLastPInvokeError();
                if (errno == Linux.WouldBlock)
                {
                    if (!WaitFor(_readiness.Sending, "a write", deadline))
                    {
                        return TransportResult.TimedOut;
                    }
                }
                else if (errno != Linux.Interrupted)
                {
                    sent = 0; // the connection is lost: the next one is told that, too
                    return TransportResult.Refused(errno);
                }
            }

            return sent == buffer.Length ? TransportResult.Done(sent) : TransportResult.HandedOver;
        }
        finally
        {
            _isCutOff |= sent != 0 && sent != buffer.Length;
        }
    }

    /// <summary>Whether a send was given up in the middle since this was asked. Whoever sends next must be told, also if that is by
    /// the other transport.</summary>
    public bool TakeCutOff()
    {
        bool isCutOff = _isCutOff;
        _isCutOff = false;
        return isCutOff;
    }

    /// <inheritdoc/>
    public override TransportResult Connect(EndPoint endPoint, long deadline)
    {
        if (_isReleased || endPoint is not IPEndPoint address)
        {
            return TransportResult.HandedOver;
        }

        try
        {
            // Only so does .NET begin it and know afterwards, and not wait for it by its own means, which would go on to have
            // all events of the connection.
            _socket.Blocking = false;
            RepeatedConnect.Allow(_handle);
            return TryBeginConnectAgain(address) ? TransportResult.Done() : FinishConnect(deadline);
        }
        catch (SocketException exception)
        {
            return TransportResult.Failed(exception);
        }
        finally
        {
            if (!_handle.IsClosed)
            {
                _socket.Blocking = true;
            }
        }
    }

    /// <inheritdoc/>
    public override TransportResult WaitReadable(long deadline)
    {
        Span<byte> one = stackalloc byte[1];
        return Receive(one, SocketFlags.Peek, deadline);
    }

    /// <summary>Takes a connection that has come to this socket, which listens; parks until there is one. A wait that is given up has
    /// begun nothing.</summary>
    /// <param name="accepted">The connection.</param>
    public TransportResult Accept(out Socket? accepted)
    {
        accepted = null;
        while (!_isReleased)
        {
            try
            {
                if (TryAccept(out accepted))
                {
                    return TransportResult.Done();
                }
            }
            catch (SocketException exception)
            {
                return TransportResult.Failed(exception);
            }

            if (!WaitFor(_readiness.Receiving, "a connection", long.MaxValue))
            {
                return TransportResult.TimedOut;
            }
        }

        return TransportResult.HandedOver;
    }

    /// <summary>Others can reach the socket from now on: whoever waits here is told, and goes on by the other transport. From any
    /// thread.</summary>
    public void Release()
    {
        _isReleased = true;
        _readiness.Release(_handle);
    }

    /// <summary>Before the socket is closed: whoever waits here gets an <see cref="ObjectDisposedException"/>. From any
    /// thread.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _readiness.Close(_handle);
    }

    // False if the deadline came first.
    private bool WaitFor(SocketDirection direction, string reason, long deadline)
    {
        WaitResult result = _readiness.Wait(_handle, direction, reason, deadline);
        return result == WaitResult.Impossible ? WaitOtherwise(direction, deadline) : result == WaitResult.Ready;
    }

    // There are no more file descriptors, say: so it looks now and then.
    private bool WaitOtherwise(SocketDirection direction, long deadline)
    {
        SelectMode mode = direction == _readiness.Receiving ? SelectMode.SelectRead : SelectMode.SelectWrite;
        for (TimeSpan pause = s_smallestPause; !_socket.Poll(0, mode); pause = pause < s_largestPause ? pause * 2 : pause)
        {
            if (HubClock.Now >= deadline)
            {
                return false;
            }

            Hub.Sleep(pause);
        }

        return true;
    }

    // Another process may take the connection first: then .NET must not wait for the next one.
    private bool TryAccept(out Socket? accepted)
    {
        accepted = null;
        if (!_socket.Poll(0, SelectMode.SelectRead))
        {
            return false;
        }

        try
        {
            _socket.Blocking = false;
            accepted = _socket.Accept();
            accepted.Blocking = true; // it has that from the listener
            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock)
        {
            return false;
        }
        finally
        {
            if (!_handle.IsClosed)
            {
                _socket.Blocking = true;
            }
        }
    }

    // Linux tells of an attempt that has failed once more: here nobody wants to know.
    private bool TryBeginConnectAgain(IPEndPoint endPoint)
    {
        bool mayTellOld = _hasFailedToConnect;
        _hasFailedToConnect = false;
        try
        {
            return TryBeginConnect(endPoint);
        }
        catch (SocketException exception) when (mayTellOld && exception.SocketErrorCode == SocketError.ConnectionAborted)
        {
            RepeatedConnect.Allow(_handle);
        }

        return TryBeginConnect(endPoint);
    }

    private bool TryBeginConnect(IPEndPoint endPoint)
    {
        try
        {
            _socket.Connect(endPoint);
            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            return false;
        }
    }

    private TransportResult FinishConnect(long deadline)
    {
        while (!_socket.Poll(0, SelectMode.SelectWrite))
        {
            if (!WaitFor(_readiness.Sending, "a connection", deadline))
            {
                return TransportResult.TimedOut;
            }
        }

        int error = (int)_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error == 0 && _socket.Connected)
        {
            return TransportResult.Done();
        }

        _hasFailedToConnect = true;
        return TransportResult.Failed(new SocketException(error != 0 ? error : (int)SocketError.NotConnected));
    }
}
