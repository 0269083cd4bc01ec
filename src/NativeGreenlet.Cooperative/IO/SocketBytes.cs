using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative;

/// <summary>The bytes of a connection, for a <see cref="PendingOperation"/>. .NET's own stream refuses a socket that has shut
/// one direction down, or does not block.</summary>
internal sealed class SocketBytes(Socket socket) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ValueTask<int> sending = socket.SendAsync(buffer, SocketFlags.None, cancellationToken);
        if (!sending.IsCompletedSuccessfully)
        {
            return SendRestAsync(sending, buffer, cancellationToken);
        }

        int sent = sending.Result;
        return sent == buffer.Length
            ? ValueTask.CompletedTask
            : SendRestAsync(socket.SendAsync(buffer[sent..], SocketFlags.None, cancellationToken), buffer[sent..], cancellationToken);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
        // It keeps nothing.
    }

    // Each is awaited once, and so may be used again.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendRestAsync(ValueTask<int> sending, ReadOnlyMemory<byte> rest, CancellationToken cancellation)
    {
        while (true)
        {
            rest = rest[await sending.ConfigureAwait(false)..];
            if (rest.IsEmpty)
            {
                return;
            }

            sending = socket.SendAsync(rest, SocketFlags.None, cancellation);
        }
    }
}
