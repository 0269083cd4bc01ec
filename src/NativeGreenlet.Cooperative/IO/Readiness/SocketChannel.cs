using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Interop;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Readiness;

/// <summary>
/// A connection that is used by calls which do not wait, and waited for by the <see cref="Poller"/> of the hub. Receiving
/// and sending allocate nothing, copy nothing, and what is given up has not been begun.
/// </summary>
internal sealed class SocketChannel : IDisposable
{
    private static readonly TimeSpan s_smallestPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_largestPause = TimeSpan.FromMilliseconds(64);

    private readonly Socket _socket;
    private readonly SafeSocketHandle _handle;
    private readonly SocketReadiness _readiness = new();
    private readonly Turn _receiving = new();
    private readonly Turn _sending = new();
    private readonly bool _givesAll; // a receive brings all there is, if there is room for it
    private bool _isDrained; // the last receive took all there was: the next need not be tried before something comes
    private volatile bool _isReleased;
    private bool _hasFailedToConnect;
    private bool _isCutOff; // a message is there in part, and its rest never comes

    private SocketChannel(Socket socket)
    {
        _socket = socket;
        _handle = socket.SafeHandle;

        // Others have bounds inside: one of the file system where a descriptor was sent along, one of SCTP after each message.
        _givesAll = socket is { ProtocolType: ProtocolType.Tcp, AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 };
    }

    // It was forgotten: the socket closes itself, and a poller need not know it any more.
    ~SocketChannel() => _readiness.Release(_handle);

    /// <summary>That of a connection; null where there is no poller, or for another kind of socket.</summary>
    public static SocketChannel? TryCreate(Socket socket) =>
        Poller.IsSupported && socket.SocketType == SocketType.Stream ? new SocketChannel(socket) : null;

    /// <summary>Whether others can reach the socket now, so that it is used by .NET's operations: should they close it, those
    /// are told.</summary>
    public bool IsReleased => _isReleased;

    /// <summary>Receives what there is; waits until there is something.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="flags">How.</param>
    /// <param name="due">The time limit, by <see cref="HubClock"/>.</param>
    /// <param name="count">How many bytes; if it failed, what the system says.</param>
    public ChannelResult Receive(Span<byte> buffer, SocketFlags flags, long due, out int count)
    {
        count = 0;
        return _receiving.Take("its turn to receive", due)
            ? ReceiveInTurn(buffer, flags, due, out count)
            : ChannelResult.TimedOut;
    }

    /// <summary>The same, but nobody else may be at it.</summary>
    /// <exception cref="InvalidOperationException">Somebody is.</exception>
    public ChannelResult ReceiveAlone(Span<byte> buffer, long due, out int count)
    {
        if (!_receiving.TryTake())
        {
            ThrowTwo();
        }

        return ReceiveInTurn(buffer, SocketFlags.None, due, out count);
    }

    /// <summary>Sends everything, waiting as often as needed.</summary>
    /// <param name="buffer">What.</param>
    /// <param name="flags">How.</param>
    /// <param name="due">The time limit of all of it, by <see cref="HubClock"/>.</param>
    /// <param name="error">If it failed, what the system says.</param>
    /// <exception cref="IOException">An earlier one was given up in the middle.</exception>
    public ChannelResult Send(ReadOnlySpan<byte> buffer, SocketFlags flags, long due, out int error)
    {
        error = 0;
        return _sending.Take("its turn to send", due)
            ? SendInTurn(buffer, flags, due, out error)
            : ChannelResult.TimedOut;
    }

    /// <summary>The same, but nobody else may be at it.</summary>
    /// <exception cref="InvalidOperationException">Somebody is.</exception>
    public ChannelResult SendAlone(ReadOnlySpan<byte> buffer, long due, out int error)
    {
        if (!_sending.TryTake())
        {
            ThrowTwo();
        }

        return SendInTurn(buffer, SocketFlags.None, due, out error);
    }

    /// <summary>Connects.</summary>
    /// <param name="endPoint">To what.</param>
    /// <param name="due">The time limit, by <see cref="HubClock"/>.</param>
    /// <returns>False if the time is up.</returns>
    /// <exception cref="SocketException">It failed.</exception>
    public bool TryConnect(IPEndPoint endPoint, long due)
    {
        if (!_sending.Take("its turn to connect", due))
        {
            return false;
        }

        try
        {
            // Only so does .NET begin it and know afterwards, and not wait for it by its own means, which would go on to have
            // all events of the connection.
            _socket.Blocking = false;
            RepeatedConnect.Allow(_handle);
            return TryBeginConnectAgain(endPoint) || TryFinishConnect(due);
        }
        finally
        {
            if (!_handle.IsClosed)
            {
                _socket.Blocking = true;
            }

            _sending.Give();
        }
    }

    /// <summary>Others can reach the socket from now on.</summary>
    public void Release()
    {
        _isReleased = true;
        _readiness.Release(_handle);
    }

    /// <summary>Before the socket is closed: who waits for it finds that out.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _readiness.Close(_handle);
    }

    [DoesNotReturn]
    private static void ThrowTwo() =>
        throw new InvalidOperationException("Another task waits here already. One may read while another writes, but not two at a time.");

    private unsafe ChannelResult ReceiveInTurn(Span<byte> buffer, SocketFlags flags, long due, out int count)
    {
        count = 0;
        try
        {
            while (!buffer.IsEmpty && !_isReleased)
            {
                if (!_isDrained)
                {
                    fixed (byte* bytes = buffer)
                    {
                        count = (int)Linux.Receive(_handle, bytes, buffer.Length, (int)flags | Linux.DoNotWait);
                    }

                    if (count >= 0)
                    {
                        // What comes from now on is an event, but what has come with the end of the connection is not.
                        _isDrained = _givesAll && count != 0 && count < buffer.Length && flags == SocketFlags.None && !_readiness.MayEnd;
                        return ChannelResult.Done;
                    }

                    count = Marshal.GetLastPInvokeError();
                    if (count == Linux.Interrupted)
                    {
                        continue;
                    }

                    if (count != Linux.WouldBlock)
                    {
                        return ChannelResult.Failed;
                    }
                }

                _isDrained = false;
                if (!WaitFor(_readiness.Receiving, "a read", due))
                {
                    return ChannelResult.TimedOut;
                }
            }

            count = 0;
            return _isReleased ? ChannelResult.Released : ChannelResult.Done;
        }
        finally
        {
            _receiving.Give();
        }
    }

    private unsafe ChannelResult SendInTurn(ReadOnlySpan<byte> buffer, SocketFlags flags, long due, out int error)
    {
        int sent = 0;
        error = 0;
        try
        {
            if (_isCutOff)
            {
                _isCutOff = false;
                throw new IOException("An earlier write was given up in the middle, and its rest is not sent any more.");
            }

            // Should it be released in the middle, the rest must follow before anything else does.
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

                error = Marshal.GetLastPInvokeError();
                if (error == Linux.WouldBlock)
                {
                    if (!WaitFor(_readiness.Sending, "a write", due))
                    {
                        return ChannelResult.TimedOut;
                    }
                }
                else if (error != Linux.Interrupted)
                {
                    sent = 0; // the connection is lost: the next one is told that, too
                    return ChannelResult.Failed;
                }
            }

            return sent == buffer.Length ? ChannelResult.Done : ChannelResult.Released;
        }
        finally
        {
            _isCutOff |= sent != 0 && sent != buffer.Length;
            _sending.Give();
        }
    }

    // False if the time is up.
    private bool WaitFor(SocketDirection direction, string what, long due)
    {
        WaitResult result = _readiness.Wait(_handle, direction, what, due);
        return result == WaitResult.Impossible ? WaitOtherwise(direction, due) : result == WaitResult.Ready;
    }

    // There are no more file descriptors, say: so it looks now and then.
    private bool WaitOtherwise(SocketDirection direction, long due)
    {
        SelectMode mode = direction == _readiness.Receiving ? SelectMode.SelectRead : SelectMode.SelectWrite;
        for (TimeSpan pause = s_smallestPause; !_socket.Poll(0, mode); pause = pause < s_largestPause ? pause * 2 : pause)
        {
            if (HubClock.Now >= due)
            {
                return false;
            }

            Hub.Sleep(pause);
        }

        return true;
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

    private bool TryFinishConnect(long due)
    {
        while (!_socket.Poll(0, SelectMode.SelectWrite))
        {
            if (!WaitFor(_readiness.Sending, "a connection", due))
            {
                return false;
            }
        }

        int error = (int)_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error != 0 || !_socket.Connected)
        {
            _hasFailedToConnect = true;
            throw new SocketException(error != 0 ? error : (int)SocketError.NotConnected);
        }

        return true;
    }
}
