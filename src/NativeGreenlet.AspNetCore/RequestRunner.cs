using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.AspNetCore;

/// <summary>Runs requests on the hubs of an application.</summary>
internal sealed partial class RequestRunner : IAsyncDisposable, IDisposable
{
    private readonly GreenRequestOptions _options;
    private readonly ILogger _logger;
    private readonly ConcurrencyLimiter? _limiter;
    private readonly Lock _lock = new();
    private volatile HubPool? _pool;
    private HubWatchdog? _watchdog;

    public RequestRunner(IOptions<GreenRequestOptions> options, ILogger<RequestRunner> logger)
    {
        _options = options.Value;
        _logger = logger;
        if (_options.MaxConcurrentRequests is { } limit)
        {
            _limiter = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = limit, QueueLimit = _options.QueueLimit });
        }

        // Throws here, when the application starts, if what was asked for cannot be had.
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            LogThreads(GreenletRuntime.Description);
        }
    }

    /// <summary>The one of an application.</summary>
    public static RequestRunner Of(IServiceProvider services) => services.GetService<RequestRunner>()
        ?? throw new InvalidOperationException("Greenlets need their services: call builder.Services.AddGreenlets().");

    /// <summary>Whether requests of an endpoint run on greenlets.</summary>
    public bool IsWanted(Endpoint? endpoint) =>
        endpoint?.Metadata.GetMetadata<IRunOnGreenletMetadata>()?.RunOnGreenlet ?? _options.RunByDefault;

    /// <summary>Runs the rest of a request on a greenlet.</summary>
    public Task RunAsync(HttpContext context, RequestDelegate next) =>
        Hub.IsInside && context.Features.Get<GreenBodies>() is not null ? next(context) : RunOnHubAsync(context, next);

    public async ValueTask DisposeAsync()
    {
        _watchdog?.Dispose();
        if (_limiter is not null)
        {
            await _limiter.DisposeAsync().ConfigureAwait(false);
        }

        if (_pool is { } pool)
        {
            await pool.DisposeAsync().ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _watchdog?.Dispose();
        _limiter?.Dispose();
        _pool?.Dispose();
    }

    private async Task RunOnHubAsync(HttpContext context, RequestDelegate next)
    {
        // None if the request was on a hub already, and has left it by ConfigureAwait(false).
        GreenBodies? bodies = GreenBodies.TryInstall(context);
        bool hasStarted = false;
        try
        {
            using RateLimitLease? lease = _limiter is null || bodies is null ? null : await _limiter.AcquireAsync(1, context.RequestAborted);
            if (lease is { IsAcquired: false })
            {
                LogTooMany(_options.MaxConcurrentRequests!.Value);
                Reject(context);
                return;
            }

            await Pool.RunAsync(Start, context.RequestAborted);
        }
        catch (Exception exception) when (!hasStarted && exception is GreenletException { Reason: GreenletError.OutOfStacks } or OutOfMemoryException or ThreadStartException)
        {
            LogNoStack(exception);
            Reject(context);
        }
        finally
        {
            bodies?.Remove();
        }

        Task Start()
        {
            hasStarted = true;
            try
            {
                return next(context);
            }
            catch (Exception exception)
            {
                return Task.FromException(exception); // whoever is before it gets the same object, a cancellation, too
            }
        }
    }

    // A response that has begun cannot say it any more; that it was cut off, the client sees.
    private void Reject(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
        }
        else
        {
            context.Response.StatusCode = _options.RejectionStatusCode;
        }
    }

    // Not by a Lazy, which would remember for ever that there was no thread for a hub when the first request came.
    private HubPool Pool
    {
        get
        {
            if (_pool is { } pool)
            {
                return pool;
            }

            lock (_lock)
            {
                return _pool ??= MakePool();
            }
        }
    }

    private HubPool MakePool()
    {
        // A request may wait for what a later one does: that is no deadlock.
        HubOptions hubOptions = new() { Name = "request hub", DeadlockPatience = Timeout.InfiniteTimeSpan };
        hubOptions.BlockingWaits = _options.BlockingWaits ?? hubOptions.BlockingWaits;
        hubOptions.OffloadPool = _options.OffloadPool ?? hubOptions.OffloadPool;
        HubPool pool = new(hubOptions, _options.Hubs);
        bool isMade = false;
        try
        {
            Watch(pool.Hubs);
            isMade = true;
            return pool;
        }
        finally
        {
            if (!isMade)
            {
                _ = pool.DisposeAsync().AsTask(); // the hubs that could be had; nobody uses them
            }
        }
    }

    private void Watch(IReadOnlyList<Hub> hubs)
    {
        foreach (Hub hub in hubs)
        {
            hub.BlockingWait += (_, e) => LogBlockingWait(e.Call, e.Reason ?? "See HubOptions.BlockingWaits.", e.IsInLock ? "Inside a lock: " : string.Empty, e.StackTrace.ToString());
            hub.UnhandledException += (_, e) => LogUnhandled(e.Exception, e.Task?.ToString() ?? "A callback");
        }

        if (_options.WarnWhenBlockedFor is { } limit)
        {
            _watchdog = new HubWatchdog(limit, hubs);
            _watchdog.Blocked += (_, e) => LogBlocked(e.Hub.Name, e.Duration, e.StackTrace?.ToString() ?? "It still does.");
            _watchdog.Start();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Every greenlet is a thread here, so requests on greenlets hold threads while they wait. {Description}")]
    private partial void LogThreads(string description);

    [LoggerMessage(2, LogLevel.Warning, "A request was rejected: {Limit} run already.")]
    private partial void LogTooMany(int limit);

    [LoggerMessage(3, LogLevel.Error, "A request was rejected: there is no stack for it.")]
    private partial void LogNoStack(Exception exception);

    [LoggerMessage(4, LogLevel.Error, "{Task} ended with an exception that nobody waits for.")]
    private partial void LogUnhandled(Exception exception, string task);

    [LoggerMessage(5, LogLevel.Warning, "A request kept {Hub} from going on for {Duration}. It blocked its thread, or computed for too long; see Hub.Await and Hub.Offload. {Where}")]
    private partial void LogBlocked(string hub, TimeSpan duration, string where);

    [LoggerMessage(6, LogLevel.Warning, "{Call} blocked a hub. {Reason} {Lock}{Where}")]
    private partial void LogBlockingWait(string call, string reason, string @lock, string where);
}
