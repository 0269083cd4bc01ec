using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>Listens for Kestrel, with connections that live on hubs.</summary>
internal sealed class GreenletTransportFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector, IAsyncDisposable, IDisposable
{
    private readonly GreenletTransportOptions _options;
    private readonly RequestRunner _runner;
    private readonly ILogger<TransportHubs> _logger;
    private readonly IMemoryPoolFactory<byte>? _memory;
    private readonly SocketTransportFactory _stock;
    private readonly Lock _gate = new();
    private TransportHubs? _hubs;

    public GreenletTransportFactory(IOptions<GreenletTransportOptions> options, IOptions<SocketTransportOptions> stockOptions, RequestRunner runner, ILoggerFactory loggers, IServiceProvider services)
    {
        _options = options.Value;
        _runner = runner;
        _logger = loggers.CreateLogger<TransportHubs>();
        _memory = services.GetService<IMemoryPoolFactory<byte>>();
        _stock = new SocketTransportFactory(stockOptions, loggers);
    }

    public bool CanBind(EndPoint endpoint) => IsOurs(endpoint) || _stock.CanBind(endpoint);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (!IsOurs(endpoint))
        {
            return _stock.BindAsync(endpoint, cancellationToken);
        }

        Socket? socket = null;
        try
        {
            TransportHubs hubs = Hubs;
            socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            socket.Listen(_options.Backlog);
            GreenletListener listener = new(socket, hubs, _options, _memory?.Create() ?? MemoryPool<byte>.Shared);
            socket = null;
            return ValueTask.FromResult<IConnectionListener>(listener);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(exception.Message, exception);
        }
        finally
        {
            socket?.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_hubs is { } hubs)
        {
            await hubs.DisposeAsync().ConfigureAwait(false);
        }
    }

    public void Dispose() => _hubs?.Dispose();

    // Its hubs are started here, so that none is missing when a connection comes.
    private TransportHubs Hubs
    {
        get
        {
            lock (_gate)
            {
                return _hubs ??= new TransportHubs(_options.Hubs ?? _runner.Pool, _options.Patience, _runner.MakeHub, _logger);
            }
        }
    }

    private static bool IsOurs(EndPoint endpoint) => HubSocketEvents.IsSupported && endpoint is IPEndPoint or UnixDomainSocketEndPoint;
}
