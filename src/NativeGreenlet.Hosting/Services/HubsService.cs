using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Hosting.Services;

/// <summary>Starts the hubs of a host, reports on all hubs of the process, and ends those of the host.</summary>
internal sealed partial class HubsService(GreenHubs hubs, IOptions<GreenHostOptions> options, ILogger<GreenHubs> logger) : IHostedService, IDisposable
{
    private readonly GreenHostOptions _options = options.Value;
    private readonly ILogger _logger = logger;
    private HubWatchdog? _watchdog;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            LogThreads(GreenletRuntime.Description);
        }

        HubPool pool = new(HubOptionsOf(_options), _options.Size);
        hubs.Set(pool);
        foreach (Hub hub in pool.Hubs)
        {
            ReportOn(hub, _logger);
        }

        if (_options.WarnWhenBlockedFor is { } limit)
        {
            _watchdog = new HubWatchdog(limit);
            _watchdog.Blocked += (_, e) => LogBlock(e);
            _watchdog.Start();
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (hubs.PoolOrNull is not { } pool)
        {
            return;
        }

        using Draining draining = new(_options.DrainTime, cancellationToken);
        await draining.WaitAsync(() => pool.PendingRuns == 0);
        if (pool.PendingRuns is > 0 and int left)
        {
            LogKilled(left);
        }

        if (!await Draining.HasEndedAsync(pool.DisposeAsync().AsTask(), cancellationToken))
        {
            LogDoesNotEnd();
        }

        _watchdog?.Dispose();
    }

    public void Dispose() => _watchdog?.Dispose();

    /// <summary>How the hubs of a host behave.</summary>
    public static HubOptions HubOptionsOf(GreenHostOptions options) => new()
    {
        Name = options.Name,
        ShutdownGrace = options.ShutdownGrace,
        DeadlockPatience = options.DeadlockPatience ?? Timeout.InfiniteTimeSpan,
        KeepsSpawnStacks = options.KeepsSpawnStacks,
    };

    /// <summary>Logs what goes wrong in a hub.</summary>
    public static void ReportOn(Hub hub, ILogger logger)
    {
        hub.UnhandledException += (_, e) => LogUnhandled(logger, e.Exception, hub.Name, e.Task?.ToString() ?? "a callback");
        hub.DeadlockSuspected += (_, e) => LogDeadlock(logger, hub.Name, e.Duration, string.Concat(e.Waiters.Select(waiter => $"{Environment.NewLine}  {waiter}")));
    }

    private void LogBlock(HubBlockedEventArgs e)
    {
        string task = e.Task?.ToString() ?? "a callback";
        switch (e.Kind)
        {
            case var _ when e.Hub.IsReported:
                break; // whose it is has told it, and knows more about it

            case HubBlock.Crowded:
                LogCrowded(e.Hub.Name, e.Duration, e.Resumptions);
                break;

            case HubBlock.Waits:
                LogBlocked(e.Hub.Name, task, e.Duration, $"It now waits{Environment.NewLine}{e.StackTrace}");
                break;

            case HubBlock.Ended:
                LogBlocked(e.Hub.Name, task, e.Duration, e.StackTrace is { } spawned ? $"It has ended; it was spawned{Environment.NewLine}{spawned}" : "It has ended without a wait.");
                break;

            default:
                LogBlocked(e.Hub.Name, task, e.Duration, $"It still does{(e.PinnedBy is { } reason ? $": {reason}" : ".")}");
                break;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Every greenlet is a thread here, so tasks hold threads while they wait. {Description}")]
    private partial void LogThreads(string description);

    [LoggerMessage(2, LogLevel.Error, "{Hub}: {Task} ended with an exception that nobody waits for.")]
    private static partial void LogUnhandled(ILogger logger, Exception exception, string hub, string task);

    [LoggerMessage(3, LogLevel.Warning, "{Hub}: every task of a run has waited for {Duration}. Unless something outside the hub wakes one, this is a deadlock:{Waiters}")]
    private static partial void LogDeadlock(ILogger logger, string hub, TimeSpan duration, string waiters);

    [LoggerMessage(4, LogLevel.Warning, "{Hub} has not gone on for {Duration}: {Task} blocked its thread, or computed for too long; see Hub.Await and Hub.Offload. {Where}")]
    private partial void LogBlocked(string hub, string task, TimeSpan duration, string where);

    [LoggerMessage(5, LogLevel.Warning, "{Hub} could not keep up: {Resumptions} short slices in {Duration}, and others that could go on still have not. Use more hubs, or Hub.Offload for what computes.")]
    private partial void LogCrowded(string hub, TimeSpan duration, long resumptions);

    [LoggerMessage(6, LogLevel.Warning, "{Count} runs did not end while the host was stopping, and are killed.")]
    private partial void LogKilled(int count);

    [LoggerMessage(7, LogLevel.Error, "A hub does not end: a task blocks its thread, or does not end when it is killed. The host stops without it.")]
    private partial void LogDoesNotEnd();
}
