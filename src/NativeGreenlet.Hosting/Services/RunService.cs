using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace NativeGreenlet.Hosting.Services;

/// <summary>Runs something in a hub for as long as the host does.</summary>
internal sealed partial class RunService(string name, Action<CancellationToken> body, GreenHubs hubs, IOptions<GreenHostOptions> options, IHostApplicationLifetime lifetime, ILogger<GreenHubs> logger)
    : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _killing = new();
    private readonly ILogger _logger = logger;
    private Task _run = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _run = WatchAsync(hubs.Pool.RunAsync(() => body(_stopping.Token), _killing.Token));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        using Draining draining = new(options.Value.DrainTime, cancellationToken);
        await draining.WaitAsync(_run);
        if (_run.IsCompleted)
        {
            return;
        }

        LogKilled(name);
        await _killing.CancelAsync();
        if (!await Draining.HasEndedAsync(_run, cancellationToken))
        {
            LogDoesNotEnd(name);
        }
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _killing.Dispose();
    }

    private async Task WatchAsync(Task run)
    {
        Exception? failure = null;
        try
        {
            await run;
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        if (failure is null || (failure is OperationCanceledException && _stopping.IsCancellationRequested))
        {
            return;
        }

        LogFailed(failure, name);
        lifetime.StopApplication();
    }

    [LoggerMessage(10, LogLevel.Critical, "The service {Name} ended with an exception, and so the host stops.")]
    private partial void LogFailed(Exception exception, string name);

    [LoggerMessage(11, LogLevel.Warning, "The service {Name} did not end while the host was stopping, and is killed.")]
    private partial void LogKilled(string name);

    [LoggerMessage(12, LogLevel.Error, "The service {Name} does not end: it blocks its thread, or goes on when it is killed. The host stops without it.")]
    private partial void LogDoesNotEnd(string name);
}
