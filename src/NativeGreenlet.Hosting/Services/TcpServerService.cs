using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Hosting.Services;

/// <summary>Starts a TCP server with the host, and stops it with the host: connections may end, and what is left is killed.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "StopAsync ends them, and does not wait for a thread that is blocked.")]
internal sealed partial class TcpServerService(
    string name,
    Action<GreenStream> handler,
    IOptionsMonitor<GreenTcpServerOptions> options,
    IOptions<GreenHostOptions> hostOptions,
    ILogger<GreenTcpServer> logger) : IHostedService
{
    private readonly ILogger _logger = logger;
    private Hub? _hub;
    private GreenTcpServer? _server;
    private Task _serving = Task.CompletedTask;

    /// <summary>What the configuration calls it.</summary>
    public string Name => name;

    /// <summary>Where it listens; null before it does.</summary>
    public IPEndPoint? EndPoint { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        GreenTcpServerOptions own = options.Get(name);
        HubOptions hubOptions = HubsService.HubOptionsOf(hostOptions.Value);
        hubOptions.Name = $"server {name}";
        _hub = new Hub(hubOptions);
        HubsService.ReportOn(_hub, _logger);
        IPEndPoint address = new(IPAddress.Parse(own.Address), own.Port);
        TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _serving = _hub.InvokeAsync(() =>
        {
            GreenPool? pool = own.MaxConnections is { } limit ? new GreenPool(limit) : null;
            _server = new GreenTcpServer(address, handler, pool) { HubCount = own.HubCount, Backlog = own.Backlog };
            _server.Start();
            listening.SetResult();
            _server.ServeForever();
        }, CancellationToken.None); // it ends by StopAsync
        if (await Task.WhenAny(listening.Task, _serving) == _serving)
        {
            _ = _hub.EndAsync();
            await RethrowAsync(address);
        }

        EndPoint = _server!.EndPoint;
        LogListening(name, EndPoint);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_hub is not { } hub || _server is not { } server || EndPoint is null)
        {
            return;
        }

        using Draining draining = new(hostOptions.Value.DrainTime, cancellationToken);
        using CancellationTokenSource timeIsUp = new(); // not the token of the time: its end would kill them before they are counted
        Task stopping = hub.InvokeAsync(() => server.Stop(Timeout.InfiniteTimeSpan), timeIsUp.Token);
        await draining.WaitAsync(stopping);
        if (!stopping.IsCompletedSuccessfully)
        {
            LogKilled(name, server.ConnectionCount);
            await timeIsUp.CancelAsync();
            stopping = hub.InvokeAsync(() => server.Stop(), CancellationToken.None);
        }

        if (!await Draining.HasEndedAsync(Task.WhenAll(stopping, _serving), cancellationToken)
            || !await Draining.HasEndedAsync(hub.EndAsync(), cancellationToken))
        {
            _ = hub.EndAsync();
            LogDoesNotEnd(name);
        }
    }

    private async Task RethrowAsync(IPEndPoint address)
    {
        try
        {
            await _serving;
        }
        catch (SocketException exception)
        {
            throw new InvalidOperationException($"The server '{name}' cannot listen at {address}: {exception.Message}. Set Greenlets:TcpServers:{name}:Address and :Port to what is free.", exception);
        }
    }

    [LoggerMessage(20, LogLevel.Information, "The server {Name} listens at {EndPoint}.")]
    private partial void LogListening(string name, IPEndPoint endPoint);

    [LoggerMessage(21, LogLevel.Warning, "{Count} connections of the server {Name} did not end while the host was stopping, and are killed.")]
    private partial void LogKilled(string name, int count);

    [LoggerMessage(22, LogLevel.Error, "The server {Name} does not end: a handler blocks its thread, or does not end when it is killed. The host stops without it.")]
    private partial void LogDoesNotEnd(string name);
}
