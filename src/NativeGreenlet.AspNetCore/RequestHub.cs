using Microsoft.AspNetCore.Http;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>Where a request runs: on the hub of its connection, if that lives on one, else on any of the pool's.</summary>
internal readonly record struct RequestHub
{
    private readonly HubPool _pool;
    private readonly IConnectionHubFeature? _connection;

    /// <param name="pool">The hubs of requests.</param>
    /// <param name="connection">The hub of the connection; null if it lives on none.</param>
    public RequestHub(HubPool pool, IConnectionHubFeature? connection)
    {
        _pool = pool;
        _connection = connection;
    }

    /// <summary>Runs something in a task of the hub. Whoever awaits it with <see cref="EnterContext"/> before goes on where the caller
    /// is.</summary>
    public Task RunAsync(Func<Task> main, CancellationToken cancellationToken) =>
        _connection is null
            ? _pool.RunAsync(main, cancellationToken)
            : (ConnectionScheduler.Current?.Hub ?? _connection.Hub).InvokeAsync(main, cancellationToken);

    /// <summary>On behalf of a connection, in its hub between tasks: what comes after the next <c>await</c> of the caller, which is an
    /// asynchronous method, is there again.</summary>
    public static void EnterContext()
    {
        if (ConnectionScheduler.Current is { } here)
        {
            SynchronizationContext.SetSynchronizationContext(here.Context);
        }
    }
}
