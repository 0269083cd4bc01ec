using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>A client of HTTP/2 that sends the bytes that it is told to, right or wrong, and keeps in mind what comes.</summary>
internal sealed class Http2Client : IAsyncDisposable
{
    /// <summary>What a client begins with (RFC 9113, 3.4), before its SETTINGS.</summary>
    public static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    private const int LargestFrame = 16_384; // as long as the client has not allowed more

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly Channel<Frame> _frames = Channel.CreateUnbounded<Frame>();
    private readonly Dictionary<uint, Http2Stream> _streams = [];
    private readonly List<ulong> _pings = [];
    private readonly Task _reading;

    private Http2Client(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
        _reading = ReadAsync();
    }

    /// <summary>What was received of each stream.</summary>
    public IReadOnlyDictionary<uint, Http2Stream> Streams => _streams;

    /// <summary>The values of the answers to PINGs, in their order.</summary>
    public IReadOnlyList<ulong> Pings => _pings;

    /// <summary>How many SETTINGS of this client the server has acknowledged.</summary>
    public int SettingsAcks { get; private set; }

    /// <summary>The code of a GOAWAY that is no regular end.</summary>
    public ErrorCode? Failure { get; private set; }

    /// <summary>Whether any GOAWAY came.</summary>
    public bool IsGoingAway { get; private set; }

    /// <summary>The last stream that the server has worked on, as of its GOAWAY.</summary>
    public uint LastStream { get; private set; }

    /// <summary>The first stream that the server has reset.</summary>
    public uint FirstReset { get; private set; }

    /// <summary>Whether the connection was closed by the server, or reset.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Whether the first frame of the server was its SETTINGS.</summary>
    public bool HasSettings { get; private set; }

    /// <summary>What is not HTTP/2 at all.</summary>
    public bool IsForeign { get; private set; }

    public static async Task<Http2Client> ConnectAsync(ConformanceServer server)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(server.EndPoint);
            stream = new NetworkStream(socket);
            if (server.CertificateHash is { } hash)
            {
                SslStream ssl = new(stream, leaveInnerStreamOpen: false);
                stream = ssl;
                await ssl.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == hash,
                });
                Assert.Equal(SslApplicationProtocol.Http2, ssl.NegotiatedApplicationProtocol);
            }

            return new Http2Client(socket, stream);
        }
        catch
        {
            stream?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Begins as every client does, and waits until both sides know each other's settings.</summary>
    public async Task GreetAsync(params (Setting Name, uint Value)[] settings)
    {
        await SendAsync((byte[])[.. Preface, .. Frame.Settings(settings)]);
        Assert.True(await ReceiveUntilAsync(() => HasSettings), "The server sends no SETTINGS.");
        await SendAsync(Frame.SettingsAck());
        Assert.True(await ReceiveUntilAsync(() => SettingsAcks == 1), "The server does not acknowledge SETTINGS.");
    }

    /// <summary>Sends it. That the server has gone away is seen where its answer is awaited.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _stream.WriteAsync(bytes).AsTask().WaitAsync(Server.Patience);
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Sends no more. With TLS, too, it is said by the socket alone: an <see cref="SslStream"/> that is read cannot be shut down.</summary>
    public void EndSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
        }
    }

    /// <summary>Cuts the connection off.</summary>
    public void Reset() => _socket.Close(0);

    /// <summary>Receives until something is so, which is asked after each frame and at the end of the connection.</summary>
    /// <returns>Whether it is so; false if the time is over, or the connection has ended.</returns>
    public async Task<bool> ReceiveUntilAsync(Func<bool> isSo, TimeSpan? patience = null)
    {
        using CancellationTokenSource time = new(patience ?? Server.Patience);
        while (!isSo())
        {
            if (IsClosed)
            {
                return false;
            }

            try
            {
                await ReceiveAsync(time.Token);
            }
            catch (OperationCanceledException)
            {
                return isSo();
            }
        }

        return true;
    }

    /// <summary>Receives one frame.</summary>
    /// <returns>Null at the end of the connection.</returns>
    public async Task<Frame?> ReceiveAsync(CancellationToken cancellation = default)
    {
        if (!await _frames.Reader.WaitToReadAsync(cancellation) || !_frames.Reader.TryRead(out Frame? frame))
        {
            IsClosed = true;
            return null;
        }

        Take(frame);
        return frame;
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
        await _reading;
    }

    private void Take(Frame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Settings when frame.Flags.HasFlag(FrameFlags.Ack):
                SettingsAcks++;
                break;

            case FrameType.Settings:
                HasSettings = true;
                break;

            case FrameType.Ping when frame.Flags.HasFlag(FrameFlags.Ack):
                _pings.Add(BinaryPrimitives.ReadUInt64BigEndian(frame.Payload));
                break;

            case FrameType.GoAway:
                IsGoingAway = true;
                LastStream = BinaryPrimitives.ReadUInt32BigEndian(frame.Payload);
                ErrorCode code = (ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(frame.Payload.AsSpan(4));
                Failure ??= code == ErrorCode.NoError ? null : code;
                break;

            case FrameType.RstStream:
                StreamOf(frame).Reset = (ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(frame.Payload);
                FirstReset = FirstReset == 0 ? frame.Stream : FirstReset;
                break;

            case FrameType.Headers:
                Http2Stream answer = StreamOf(frame);
                answer.Status ??= HeaderBlock.Status(frame.Payload);
                answer.HasEnded |= frame.Flags.HasFlag(FrameFlags.EndStream);
                break;

            case FrameType.Data:
                Http2Stream body = StreamOf(frame);
                Assert.Null(body.Reset);
                Assert.False(body.HasEnded);
                body.Body.AddRange(frame.Payload);
                body.HasEnded = frame.Flags.HasFlag(FrameFlags.EndStream);
                break;

            default:
                break;
        }
    }

    private Http2Stream StreamOf(Frame frame)
    {
        if (!_streams.TryGetValue(frame.Stream, out Http2Stream? stream))
        {
            _streams.Add(frame.Stream, stream = new Http2Stream());
        }

        return stream;
    }

    private async Task ReadAsync()
    {
        byte[] header = new byte[Frame.HeaderSize];
        try
        {
            while (true)
            {
                await _stream.ReadExactlyAsync(header);
                int length = (int)(BinaryPrimitives.ReadUInt32BigEndian(header) >> 8);
                if (length > LargestFrame)
                {
                    IsForeign = true;
                    await _stream.CopyToAsync(Stream.Null);
                    break;
                }

                byte[] payload = new byte[length];
                await _stream.ReadExactlyAsync(payload);
                uint stream = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(5));
                _frames.Writer.TryWrite(new Frame((FrameType)header[3], (FrameFlags)header[4], stream, payload));
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // It is the end.
        }

        _frames.Writer.TryComplete();
    }
}
