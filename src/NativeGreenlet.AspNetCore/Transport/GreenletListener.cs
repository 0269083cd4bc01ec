using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace NativeGreenlet.AspNetCore;

/// <summary>Accepts connections and gives each to a hub.</summary>
internal sealed class GreenletListener : IConnectionListener
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20); // when the system has no more descriptors, say

    private readonly Socket _socket;
    private readonly TransportHubs _hubs;
    private readonly GreenletTransportOptions _options;
    private readonly MemoryPool<byte> _memory;

    public GreenletListener(Socket socket, TransportHubs hubs, GreenletTransportOptions options, MemoryPool<byte> memory)
    {
        _socket = socket;
        _hubs = hubs;
        _options = options;
        _memory = memory;
        EndPoint = socket.LocalEndPoint!;
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Socket? accepted = null;
            try
            {
                accepted = await _socket.AcceptAsync(cancellationToken).ConfigureAwait(false);
                if (accepted.LocalEndPoint is IPEndPoint)
                {
                    accepted.NoDelay = _options.NoDelay;
                }

                accepted.Blocking = false;
                GreenletConnection connection = new(accepted, _hubs.Choose(), _options, _memory);
                accepted = null;
                connection.Start();
                return connection;
            }
            catch (ObjectDisposedException)
            {
                return null; // it is unbound
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.OperationAborted)
            {
                return null; // it is being unbound
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                await Task.Delay(s_pause, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException)
            {
                // The connection was reset while it waited to be accepted: the next one.
            }
            finally
            {
                accepted?.Dispose();
            }
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
