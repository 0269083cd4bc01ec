using Microsoft.AspNetCore.Http;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>Where a request runs: on the hub of its connection, if that lives on one, else on any of the pool's.</summary>
internal readonly struct RequestHub
{
    private readonly HubPool _pool;
    private readonly IConnectionHubFeature? _connection;

    private RequestHub(HubPool pool, IConnectionHubFeature? connection)
    {
        _pool = pool;
        _connection = connection;
    }

    /// <summary>That of a request.</summary>
    public static RequestHub Of(HttpContext context, HubPool pool) => new(pool, context.Features.Get<IConnectionHubFeature>());

    /// <summary>Runs something in a task of the hub. Who awaits it there goes on there: between tasks, as Kestrel does.</summary>
    public Task RunAsync(Func<Task> main, CancellationToken cancellationToken)
    {
        if (_connection is null)
        {
            return _pool.RunAsync(main, cancellationToken);
        }

        // It may have gone to another hub meanwhile; but what runs here on behalf of the connection stays here.
        return ConnectionScheduler.Current is { } here
            ? ReturnHereAsync(here.Hub.InvokeAsync(main, cancellationToken), here)
            : _connection.Hub.InvokeAsync(main, cancellationToken);
    }

    private static async Task ReturnHereAsync(Task run, ConnectionScheduler here)
    {
        SynchronizationContext.SetSynchronizationContext(here.Context); // this method's own
        await run;
    }
}
