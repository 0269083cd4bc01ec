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
    private readonly int _limit;
    private readonly Lock _lock = new();
    private volatile HubPool? _pool;
    private HubWatchdog? _watchdog;
    private volatile bool _isWatched; // or need not be
    private volatile bool _hasEnded;
    private bool _isUnwatchedTold;

    public RequestRunner(IOptions<GreenRequestOptions> options, ILogger<RequestRunner> logger)
    {
        _options = options.Value;
        _logger = logger;
        if (_options.MaxConcurrentRequests is { } limit)
        {
            _limit = limit;
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
        End();
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
        End();
        _limiter?.Dispose();
        _pool?.Dispose();
    }

    private async Task RunOnHubAsync(HttpContext context, RequestDelegate next)
    {
        // None if the request was on a hub already, and has left it by ConfigureAwait(false).
        GreenBodies? bodies = GreenBodies.TryInstall(context);
        GreenResponse? response = null;
        RequestStart? start = null;
        try
        {
            using RateLimitLease? lease = _limiter is null || bodies is null ? null : await _limiter.AcquireAsync(1, context.RequestAborted);
            if (lease is { IsAcquired: false })
            {
                if (!_hasEnded)
                {
                    LogTooMany(_limit);
                }

                Reject(context);
                return;
            }

            HubPool pool = Pool;
            RequestHub hub = new(pool, bodies is null ? context.Features.Get<IConnectionHubFeature>() : bodies.ConnectionHub);
            response = bodies?.TryInstallResponse(hub);
            start = bodies?.Start ?? new RequestStart();
            start.Prepare(context, next, _options.WarnWhenBlockedFor is not null);
            Task run = hub.RunAsync(start.Body, context.RequestAborted);
            Watch(pool); // after the hub, which needs a thread more
            RequestHub.EnterContext();
            await run;
        }
        catch (Exception exception) when (start is not { HasStarted: true } && _hasEnded && !context.RequestAborted.IsCancellationRequested && exception is ObjectDisposedException or OperationCanceledException)
        {
            Reject(context); // the application has ended
        }
        catch (Exception exception) when (start is not { HasStarted: true } && exception is GreenletException { Reason: GreenletError.OutOfStacks } or OutOfMemoryException or ThreadStartException)
        {
            LogNoStack(exception);
            Reject(context);
        }
        finally
        {
            response?.Remove();
            bodies?.Remove();
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

    /// <summary>The hubs.</summary>
    /// <exception cref="OutOfMemoryException">There is no thread for one.</exception>
    // Not by a Lazy, which would remember for ever that there was no thread for a hub when the first request came.
    internal HubPool Pool
    {
        get
        {
            if (_pool is { } pool)
            {
                return pool;
            }

            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_hasEnded, this);
                return _pool ??= MakePool();
            }
        }
    }

    /// <summary>Makes one more hub like those of requests, which is the caller's, and starts its thread.</summary>
    /// <exception cref="OutOfMemoryException">There is no thread for it.</exception>
    public Hub MakeHub(string name)
    {
        HubOptions options = MakeHubOptions();
        options.Name = name;
        Hub hub = new(options);
        Report(hub);
        hub.Post(static () => { });
        return hub;
    }

    // Its hubs are started as requests need them: one for which there is no thread is done without meanwhile. A request may wait for
    // what a later one does: that is no deadlock.
    private HubPool MakePool() => new(MakeHubOptions(), _options.Hubs) { OnHubStarted = Report };

    private HubOptions MakeHubOptions()
    {
        HubOptions hubOptions = new() { Name = "request hub", DeadlockPatience = Timeout.InfiniteTimeSpan };
        hubOptions.BlockingWaits = _options.BlockingWaits ?? hubOptions.BlockingWaits;
        hubOptions.OffloadPool = _options.OffloadPool ?? hubOptions.OffloadPool;
        return hubOptions;
    }

    private void Report(Hub hub)
    {
        hub.IsReported = true;
        hub.BlockingWait += (_, e) => LogBlockingWait(e.Call, e.Reason ?? "See HubOptions.BlockingWaits.", e.IsInLock ? "Inside a lock: " : string.Empty, e.StackTrace.ToString());
        hub.UnhandledException += (_, e) => LogUnhandled(e.Exception, e.Task?.ToString() ?? "A callback");
    }

    // Without a thread that watches, requests are served all the same; the next one tries again.
    private void Watch(HubPool pool)
    {
        if (_isWatched)
        {
            return;
        }

        lock (_lock)
        {
            _isWatched = _isWatched || _hasEnded || TryWatch(pool);
        }
    }

    private bool TryWatch(HubPool pool)
    {
        if (_options.WarnWhenBlockedFor is not { } limit)
        {
            return true;
        }

        HubWatchdog watchdog = new(pool, limit);
        watchdog.Blocked += (_, e) => LogBlock(e);
        try
        {
            watchdog.Start();
            _watchdog = watchdog;
            return true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            watchdog.Dispose();
            if (!_isUnwatchedTold)
            {
                _isUnwatchedTold = true;
                LogUnwatched(exception);
            }

            return false;
        }
    }

    // Nothing is made any more afterwards.
    private void End()
    {
        lock (_lock)
        {
            _hasEnded = true;
        }

        _watchdog?.Dispose();
    }

    private void LogBlock(HubBlockedEventArgs e)
    {
        if (e.Kind == HubBlock.Crowded)
        {
            LogCrowded(e.Hub.Name, e.Duration, e.Resumptions);
            return;
        }

        RequestSubject? request = e.Task?.Subject as RequestSubject;
        string where = e.Kind switch
        {
            HubBlock.Waits => $"It now waits{Environment.NewLine}{e.StackTrace}",
            HubBlock.Ended => "It has ended without a wait.",
            _ => "It still does.",
        };
        LogBlocked(request?.ToString() ?? e.Task?.ToString() ?? "A callback", request?.TraceId, e.Hub.Name, e.Duration, where);
    }

    [LoggerMessage(1, LogLevel.Warning, "Every greenlet is a thread here, so requests on greenlets hold threads while they wait. {Description}")]
    private partial void LogThreads(string description);

    [LoggerMessage(2, LogLevel.Warning, "A request was rejected: {Limit} run already.")]
    private partial void LogTooMany(int limit);

    [LoggerMessage(3, LogLevel.Error, "A request was rejected: there is no stack for it.")]
    private partial void LogNoStack(Exception exception);

    [LoggerMessage(4, LogLevel.Error, "{Task} ended with an exception that nobody waits for.")]
    private partial void LogUnhandled(Exception exception, string task);

    [LoggerMessage(5, LogLevel.Warning, "{Request} (trace {TraceId}) kept {Hub} from going on for {Duration}. It blocked its thread, or computed for too long; see Hub.Await and Hub.Offload. {Where}")]
    private partial void LogBlocked(string request, string? traceId, string hub, TimeSpan duration, string where);

    [LoggerMessage(6, LogLevel.Warning, "{Hub} could not keep up: {Resumptions} short slices of requests in {Duration}, and others that could go on still have not. Use more hubs, or Hub.Offload for what computes.")]
    private partial void LogCrowded(string hub, TimeSpan duration, long resumptions);

    [LoggerMessage(7, LogLevel.Warning, "No thread can be had that watches for requests that block; the next request tries again.")]
    private partial void LogUnwatched(Exception exception);

    [LoggerMessage(8, LogLevel.Warning, "{Call} blocked a hub. {Reason} {Lock}{Where}")]
    private partial void LogBlockingWait(string call, string reason, string @lock, string where);
}
