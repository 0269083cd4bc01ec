using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// Uses a socket by .NET's asynchronous operations: where hubs have no poller, for everything that is no connection, and for a
/// socket that others can reach, because whoever waits in them is told when those close it.
/// </summary>
/// <remarks>Except on Windows .NET keeps an operation that was cancelled in the queue of its socket, 350 bytes or more, until something
/// happens to the socket. So after a receive was given up the next ones first wait for one common operation that takes nothing: it
/// is not cancelled, and ends when there is something to receive. Those of datagrams always do: so none is in the hands of an
/// operation that is just being cancelled. After a send was given up the next ones first wait by <see cref="SocketWatch"/>.</remarks>
internal sealed class AsyncTransport : SocketTransport
{
    private readonly Socket _socket;
    private readonly bool _isConnection; // else each datagram has its own bounds
    private PendingRead? _reading; // each from its first use on
    private PendingWrite? _writing;
    private SocketFlags _receiveFlags; // of the operation that is begun
    private SocketFlags _sendFlags;
    private volatile bool _hasGivenUp; // a receive, since something came
    private bool _hasGivenUpSend; // since there was room
    private Task<int>? _coming; // ends when there is something to receive; takes nothing

    /// <summary>Makes one.</summary>
    /// <param name="socket">The socket.</param>
    public AsyncTransport(Socket socket)
    {
        _socket = socket;
        _isConnection = socket.SocketType == SocketType.Stream;
    }

    /// <summary>Whether an earlier receive left bytes, or is still in flight.</summary>
    public bool HasLeftovers => _reading is { HasLeftovers: true };

    // One that is not bound is refused by the operation.
    private bool IsOfDatagrams => SocketWatch.KeepsCancelled && !_isConnection && _socket.IsBound;

    private PendingRead Reading => _reading ??= new PendingRead((buffer, token) => _socket.ReceiveAsync(buffer, _receiveFlags, token));

    private PendingWrite Writing => _writing ??= new PendingWrite(SendAllAsync);

    /// <inheritdoc/>
    public override TransportResult Receive(Span<byte> buffer, SocketFlags flags, long deadline)
    {
        if (!_isConnection)
        {
            return ReceiveApart(buffer, flags, deadline);
        }

        if ((flags & SocketFlags.Peek) != 0)
        {
            return Peek(buffer, flags, deadline);
        }

        if (_hasGivenUp && !buffer.IsEmpty && !Reading.IsWaitedFor)
        {
            TransportResult something = WaitReadable(deadline);
            if (something.Status != TransportStatus.Done)
            {
                return something;
            }
        }

        _receiveFlags = flags;
        try
        {
            return Reading.Read(buffer, deadline);
        }
        finally
        {
            _hasGivenUp |= SocketWatch.KeepsCancelled && Reading.IsGivenUp;
        }
    }

    /// <inheritdoc/>
    public override TransportResult Send(ReadOnlySpan<byte> buffer, SocketFlags flags, long deadline)
    {
        if (!_isConnection)
        {
            return SendApart(buffer, flags, deadline);
        }

        if (_hasGivenUpSend && !Writing.IsGivenUp)
        {
            if (!SocketWatch.Wait(_socket, SelectMode.SelectWrite, "a write", deadline))
            {
                return TransportResult.TimedOut;
            }

            _hasGivenUpSend = false;
        }

        _sendFlags = flags;
        try
        {
            return Writing.Write(buffer, deadline);
        }
        finally
        {
            _hasGivenUpSend |= SocketWatch.KeepsCancelled && Writing.IsGivenUp;
        }
    }

    /// <inheritdoc/>
    public override TransportResult Connect(EndPoint endPoint, long deadline) => Perform(
        async token =>
        {
            await _socket.ConnectAsync(endPoint, token).ConfigureAwait(false);
            return 0;
        },
        deadline);

    /// <inheritdoc/>
    public override TransportResult WaitReadable(long deadline)
    {
        if (_reading is { } reading)
        {
            TransportResult settled = reading.Settle();
            if (settled.Status != TransportStatus.Done || reading.HasBytes)
            {
                return settled;
            }
        }

        return SocketWatch.KeepsCancelled
            ? WaitForSomething(deadline)
            : Perform(token => _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, token).AsTask(), deadline);
    }

    /// <summary>Receives by an operation and a buffer of its own, beside what other tasks receive: a datagram, or a byte out of
    /// band.</summary>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="flags">How to receive them.</param>
    /// <param name="deadline">When to give up.</param>
    public TransportResult ReceiveApart(Span<byte> buffer, SocketFlags flags, long deadline)
    {
        byte[] own = new byte[buffer.Length];
        Func<CancellationToken, Task<int>> operation = token => _socket.ReceiveAsync(own.AsMemory(), flags, token).AsTask();
        TransportResult result = (flags & SocketFlags.OutOfBand) != 0 ? Perform(operation, deadline) : PerformReceive(operation, deadline);
        own.AsSpan(0, result.Count).CopyTo(buffer);
        return result;
    }

    /// <summary>Receives a datagram.</summary>
    /// <param name="buffer">Gets its bytes.</param>
    /// <param name="flags">How to receive it.</param>
    /// <param name="deadline">When to give up.</param>
    /// <param name="sender">Who sent it.</param>
    public TransportResult ReceiveFrom(Span<byte> buffer, SocketFlags flags, long deadline, out EndPoint? sender)
    {
        byte[] own = new byte[buffer.Length];
        EndPoint any = new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        EndPoint? from = null;
        TransportResult result = PerformReceive(
            async token =>
            {
                SocketReceiveFromResult received = await _socket.ReceiveFromAsync(own, flags, any, token).ConfigureAwait(false);
                from = received.RemoteEndPoint;
                return received.ReceivedBytes;
            },
            deadline);
        own.AsSpan(0, result.Count).CopyTo(buffer);
        sender = from;
        return result;
    }

    /// <summary>Sends a datagram.</summary>
    /// <param name="buffer">Its bytes.</param>
    /// <param name="flags">How to send it.</param>
    /// <param name="receiver">To whom.</param>
    /// <param name="deadline">When to give up.</param>
    public TransportResult SendTo(ReadOnlySpan<byte> buffer, SocketFlags flags, EndPoint receiver, long deadline)
    {
        byte[] own = buffer.ToArray();
        return Perform(token => _socket.SendToAsync(own, flags, receiver, token).AsTask(), deadline);
    }

    /// <summary>Reads in asynchronous code, by .NET's stream of the socket.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="cancellationToken">Gives up the read.</param>
    public ValueTask<int> ReadAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken) =>
        SocketWatch.KeepsCancelled && !buffer.IsEmpty && (_hasGivenUp || cancellationToken.CanBeCanceled)
            ? ReadCancellableAsync(stream, buffer, cancellationToken)
            : stream.ReadAsync(buffer, cancellationToken);

    /// <summary>Hands out, to asynchronous code, what an earlier receive has left.</summary>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="cancellationToken">Ends the wait for a receive that is still in flight.</param>
    public Task<TransportResult> ReadLeftoversAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        Reading.ReadLeftoversAsync(buffer, cancellationToken);

    // What was given up comes first, however it is asked for.
    private TransportResult Peek(Span<byte> buffer, SocketFlags flags, long deadline)
    {
        TransportResult settled = Reading.Settle();
        if (settled.Status != TransportStatus.Done)
        {
            return settled;
        }

        return Reading.HasBytes ? TransportResult.Done(Reading.Peek(buffer)) : ReceiveApart(buffer, flags, deadline);
    }

    // A datagram may be empty, and is sent all the same.
    private TransportResult SendApart(ReadOnlySpan<byte> buffer, SocketFlags flags, long deadline)
    {
        byte[] own = buffer.ToArray();
        return Perform(token => _socket.SendAsync(own.AsMemory(), flags, token).AsTask(), deadline);
    }

    // Each is awaited once, and so may be used again: nothing is allocated for it.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAllAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        SocketFlags flags = _sendFlags;
        while (!buffer.IsEmpty)
        {
            buffer = buffer[await _socket.SendAsync(buffer, flags, cancellationToken).ConfigureAwait(false)..];
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadCancellableAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_hasGivenUp)
        {
            await WaitForSomethingAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _hasGivenUp = true;
            throw;
        }
    }

    private TransportResult PerformReceive(Func<CancellationToken, Task<int>> operation, long deadline)
    {
        if (_hasGivenUp || (IsOfDatagrams && !_socket.Poll(0, SelectMode.SelectRead)))
        {
            TransportResult something = WaitForSomething(deadline);
            if (something.Status != TransportStatus.Done)
            {
                return something;
            }
        }

        Task<int>? begun = null;
        try
        {
            return Perform(token => begun = operation(token), deadline);
        }
        finally
        {
            _hasGivenUp |= SocketWatch.KeepsCancelled && begun is { IsCompleted: false } or { IsCanceled: true };
        }
    }

    // What came first may have been taken by somebody else: so it looks.
    private TransportResult WaitForSomething(long deadline)
    {
        TransportResult result;
        do
        {
            result = WaitForEvent(deadline);
        }
        while (result.Status == TransportStatus.Done && !_socket.Poll(0, SelectMode.SelectRead));
        return result;
    }

    private async Task WaitForSomethingAsync(CancellationToken cancellationToken)
    {
        do
        {
            Task<int> coming = Coming();
            try
            {
                await coming.WaitAsync(cancellationToken).ConfigureAwait(false);
                _hasGivenUp = false;
            }
            catch (SocketException exception)
            {
                throw new IOException($"The connection failed in a read: {exception.Message}", exception);
            }
            finally
            {
                Settle(coming);
            }
        }
        while (!_socket.Poll(0, SelectMode.SelectRead));
    }

    private TransportResult WaitForEvent(long deadline)
    {
        Task<int> coming = Coming();
        try
        {
            if (!Hub.Await(coming, HubClock.Until(deadline)))
            {
                return TransportResult.TimedOut;
            }

            _hasGivenUp = false;
            return TransportResult.Done();
        }
        catch (Exception exception) when (coming.Exception?.InnerException == exception)
        {
            return TransportResult.Failed(exception); // the system tells some of them only once
        }
        finally
        {
            Settle(coming);
        }
    }

    private void Settle(Task<int> coming)
    {
        if (coming.IsCompleted)
        {
            Interlocked.CompareExchange(ref _coming, null, coming);
        }
    }

    // The one that was begun for an earlier caller, unless it has ended: that was long ago, perhaps.
    private Task<int> Coming()
    {
        Task<int>? earlier = Volatile.Read(ref _coming);
        if (earlier is { IsCompletedSuccessfully: false })
        {
            return earlier;
        }

        Task<int> begun;
        using (WithoutContext.Begin())
        {
            begun = _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).AsTask();
        }

        Hub.Forget(begun); // perhaps nobody asks what it failed with
        Interlocked.CompareExchange(ref _coming, begun, earlier);
        return begun;
    }

    // The operation has buffers of its own, and is cancelled, and its end waited for, if its task is killed or its time is up.
    private static TransportResult Perform(Func<CancellationToken, Task<int>> operation, long deadline)
    {
        Task<int>? begun = null;
        try
        {
            return Hub.TryAwait(token => begun = operation(token), HubClock.Until(deadline), whenGivenUp: null, Hub.GraceOfThisThread, out int count)
                ? TransportResult.Done(count)
                : TransportResult.TimedOut;
        }
        catch (Exception exception) when (begun?.Exception?.InnerException == exception)
        {
            return TransportResult.Failed(exception); // else it was thrown at the task
        }
    }
}
