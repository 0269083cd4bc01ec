using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>
/// A connection of Kestrel that lives on a hub: that tells when there are bytes, they are received there, and whoever reads them goes on
/// there. Bytes are sent by whoever has written them, unless the system takes no more: then the hub tells when it does.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "DisposeAsync does.")]
internal sealed class GreenletConnection :
    ConnectionContext,
    IConnectionHubFeature,
    IConnectionIdFeature,
    IConnectionTransportFeature,
    IConnectionItemsFeature,
    IConnectionLifetimeFeature,
    IConnectionEndPointFeature,
    IConnectionSocketFeature,
    IMemoryPoolFeature
{
    private const int MostSegments = 64; // that are sent in one call
    private const int SmallestRoom = 2048; // for what is received

    private static long s_lastId = Random.Shared.NextInt64(long.MaxValue / 2); // no two of different processes alike

    private readonly Socket _socket;
    private readonly ConnectionScheduler _scheduler;
    private readonly HubSocketEvents _events;
    private readonly ReadyLatch _readable = new();
    private readonly ReadyLatch _writable = new();
    private readonly Pipe _input;
    private readonly Pipe _output;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new(); // of the end, and of which hub it is
    private readonly bool _givesAll; // a receive brings all there is, if there is room for it
    private TransportHub _hub;
    private int _received; // since the last look
    private List<ArraySegment<byte>>? _segments;
    private Task? _work;
    private volatile bool _isShut;
    private bool _hasEnded; // both loops
    private volatile Exception? _shutdownReason;
    private string? _id;
    private IDictionary<object, object?>? _items;
    private GreenBodies? _bodies;

    public GreenletConnection(Socket socket, TransportHub hub, GreenletTransportOptions options, MemoryPool<byte> memory)
    {
        _socket = socket;
        _hub = hub;
        _scheduler = new ConnectionScheduler(hub.Hub);
        _events = new HubSocketEvents(socket, _readable.Signal, _writable.Signal);
        _givesAll = socket.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;
        MemoryPool = memory;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = TryGetRemoteEndPoint(socket);
        ConnectionClosed = _closing.Token;
        long mostRead = options.MaxReadBufferSize ?? 0;
        long mostWritten = options.MaxWriteBufferSize ?? 0;
        _input = new Pipe(new PipeOptions(memory, _scheduler, _scheduler, mostRead, mostRead / 2, useSynchronizationContext: false));
        _output = new Pipe(new PipeOptions(memory, PipeScheduler.Inline, _scheduler, mostWritten, mostWritten / 2, useSynchronizationContext: false));
        Transport = new DuplexPipe(_input.Reader, _output.Writer);
        Features = new FeatureCollection();
        Features.Set<IConnectionHubFeature>(this);
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IConnectionSocketFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
    }

    public override IDuplexPipe Transport { get; set; }

    public override IFeatureCollection Features { get; }

    public override string ConnectionId
    {
        get => _id ??= Interlocked.Increment(ref s_lastId).ToString("X", CultureInfo.InvariantCulture);
        set => _id = value;
    }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public MemoryPool<byte> MemoryPool { get; }

    public Socket Socket => _socket;

    public Hub Hub => _scheduler.Hub;

    /// <summary>How often it received something between the last two looks: what it is for the load of its hub.</summary>
    public int Activity { get; private set; }

    public GreenBodies? TakeBodies() => _bodies is null ? null : Interlocked.Exchange(ref _bodies, null);

    public void ReturnBodies(GreenBodies bodies) => Volatile.Write(ref _bodies, bodies);

    /// <summary>Begins to receive and to send.</summary>
    public void Start()
    {
        _hub.Add(this);
        _work = WorkAsync();
        Attach(_hub);
    }

    /// <summary>Begins to count anew what it receives. Called by who looks at the hubs; one that is counted meanwhile may be lost.</summary>
    /// <returns><see cref="Activity"/>, which it sets.</returns>
    public int TakeActivity()
    {
        Activity = _received;
        _received = 0;
        return Activity;
    }

    /// <summary>Goes to another hub, because its own does not go on, or has more to do. From any thread.</summary>
    public void MoveTo(TransportHub hub)
    {
        lock (_gate)
        {
            if (_hasEnded || _hub == hub)
            {
                return;
            }

            _hub.Remove(this);
            _hub = hub;
            hub.Add(this);
            if (!_isShut)
            {
                _events.Detach();
            }
        }

        _scheduler.MoveTo(hub.Hub);
        Attach(hub);
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    public override void Abort(ConnectionAbortedException abortReason)
    {
        Shutdown(abortReason);
        _output.Reader.CancelPendingRead();
    }

    public override async ValueTask DisposeAsync()
    {
        // Both loops end when nobody reads or writes any more.
        await _input.Reader.CompleteAsync().ConfigureAwait(false);
        await _output.Writer.CompleteAsync().ConfigureAwait(false);
        if (_work is { } work)
        {
            await work.ConfigureAwait(false);
        }

        _closing.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private static EndPoint? TryGetRemoteEndPoint(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint;
        }
        catch (SocketException)
        {
            return null; // the other side has gone already
        }
    }

    private void Attach(TransportHub hub)
    {
        try
        {
            hub.Hub.Post(() => AttachHere(hub));
        }
        catch (Exception exception) when (exception is ObjectDisposedException or OutOfMemoryException or ThreadStartException)
        {
            Abort(new ConnectionAbortedException("The hub of the connection has ended.", exception));
        }
    }

    private void AttachHere(TransportHub hub)
    {
        bool isAttached;
        lock (_gate)
        {
            isAttached = _isShut || _hub != hub || _events.TryAttach();
        }

        if (!isAttached)
        {
            Abort(new ConnectionAbortedException("The hub of the connection cannot wait for it: the system has no more descriptors."));
        }
    }

    private async Task WorkAsync()
    {
        Task receiving = ReceiveAsync();
        Task sending = SendAsync();
        await receiving.ConfigureAwait(false);
        await sending.ConfigureAwait(false);
        lock (_gate)
        {
            _hasEnded = true;
            _hub.Remove(this);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whoever reads gets it.")]
    private async Task ReceiveAsync()
    {
        PipeWriter writer = _input.Writer;
        Exception? error = null;
        try
        {
            bool isOpen = true;
            while (isOpen && await _readable.WaitAsync().ConfigureAwait(false))
            {
                bool mayHaveMore = true;
                while (isOpen && mayHaveMore)
                {
                    Memory<byte> memory = writer.GetMemory(SmallestRoom);
                    int count = _socket.Receive(memory.Span, SocketFlags.None, out SocketError code);
                    _received++;
                    if (code == SocketError.WouldBlock)
                    {
                        break;
                    }

                    if (code != SocketError.Success || count == 0)
                    {
                        error = code switch
                        {
                            SocketError.Success => null, // it is the end
                            SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted => Reset(code),
                            _ => new SocketException((int)code),
                        };
                        isOpen = false;
                        break;
                    }

                    // What comes from now on is an event, but what has come with the end is not.
                    mayHaveMore = count == memory.Length || !_givesAll || _events.MayEnd;
                    writer.Advance(count);
                    FlushResult flushed = await writer.FlushAsync(CancellationToken.None).ConfigureAwait(false);
                    isOpen = !flushed.IsCompleted && !flushed.IsCanceled;
                }
            }
        }
        catch (Exception exception)
        {
            error = exception; // it was closed meanwhile, say
        }
        finally
        {
            await writer.CompleteAsync(_shutdownReason ?? error).ConfigureAwait(false);
            ThreadPool.UnsafeQueueUserWorkItem(static self => self.TellClosed(), this, preferLocal: false);
            await _closed.Task.ConfigureAwait(false);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whoever writes gets it.")]
    private async Task SendAsync()
    {
        PipeReader reader = _output.Reader;
        Exception? reason = null;
        Exception? unexpected = null;
        try
        {
            bool isOpen = true;
            while (isOpen)
            {
                ReadResult result = await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                if (result.IsCanceled)
                {
                    break;
                }

                ReadOnlySequence<byte> left = result.Buffer;
                while (!left.IsEmpty && isOpen)
                {
                    int count = Send(left, out SocketError code);
                    if (code == SocketError.Success)
                    {
                        left = left.Slice(count);
                    }
                    else if (code == SocketError.WouldBlock)
                    {
                        isOpen = await _writable.WaitAsync().ConfigureAwait(false);
                    }
                    else
                    {
                        isOpen = false;
                        bool isReset = code is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted or SocketError.OperationAborted;
                        reason = isReset ? Reset(code) : unexpected = new SocketException((int)code);
                    }
                }

                reader.AdvanceTo(result.Buffer.End);
                isOpen &= !result.IsCompleted;
            }
        }
        catch (ObjectDisposedException exception)
        {
            reason = exception; // it was closed meanwhile
        }
        catch (Exception exception)
        {
            reason = unexpected = exception;
        }
        finally
        {
            Shutdown(reason);
            await reader.CompleteAsync(unexpected).ConfigureAwait(false);
            _input.Writer.CancelPendingFlush(); // who receives waits for nobody any more
        }
    }

    private int Send(in ReadOnlySequence<byte> bytes, out SocketError code)
    {
        if (bytes.IsSingleSegment)
        {
            return _socket.Send(bytes.FirstSpan, SocketFlags.None, out code);
        }

        List<ArraySegment<byte>> segments = _segments ??= [];
        segments.Clear();
        foreach (ReadOnlyMemory<byte> memory in bytes)
        {
            if (segments.Count == MostSegments || !MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment))
            {
                break;
            }

            if (segment.Count != 0)
            {
                segments.Add(segment);
            }
        }

        int count = segments.Count == 0
            ? _socket.Send(bytes.FirstSpan, SocketFlags.None, out code)
            : _socket.Send(segments, SocketFlags.None, out code);
        segments.Clear();
        return count;
    }

    private void Shutdown(Exception? reason)
    {
        lock (_gate)
        {
            if (_isShut)
            {
                return;
            }

            _shutdownReason = reason ?? new ConnectionAbortedException("The connection's writer has completed.");
            _isShut = true;
            _events.Dispose();
            if (reason is not null)
            {
                _socket.Close(0); // the other side is told that it is no regular end
            }
            else
            {
                try
                {
                    _socket.Shutdown(SocketShutdown.Both);
                }
                catch (SocketException)
                {
                    // The other side has gone already.
                }

                _socket.Dispose();
            }
        }

        _readable.Close();
        _writable.Close();
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Of others, who are told that it is closed.")]
    private void TellClosed()
    {
        try
        {
            _closing.Cancel();
        }
        catch (Exception)
        {
            // Whoever asked to be told has failed; the connection ends all the same.
        }

        _closed.TrySetResult();
    }

    private static ConnectionResetException Reset(SocketError code)
    {
        SocketException inner = new((int)code);
        return new ConnectionResetException(inner.Message, inner);
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
