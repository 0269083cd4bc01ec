using Microsoft.AspNetCore.SignalR;

namespace NativeGreenlet.AspNetCore;

/// <summary>Runs the methods of SignalR's hubs on greenlets. SignalR calls them from the thread pool, whatever runs its
/// connection.</summary>
internal sealed class GreenHubFilter(RequestRunner runner) : IHubFilter
{
    public async ValueTask<object?> InvokeMethodAsync(HubInvocationContext invocationContext, Func<HubInvocationContext, ValueTask<object?>> next) =>
        await runner.Pool.RunAsync(() => next(invocationContext).AsTask(), invocationContext.Context.ConnectionAborted).ConfigureAwait(false);

    public Task OnConnectedAsync(HubLifetimeContext context, Func<HubLifetimeContext, Task> next) =>
        runner.Pool.RunAsync(() => next(context), context.Context.ConnectionAborted);

    // The connection is gone: its token would end the wait at once.
    public Task OnDisconnectedAsync(HubLifetimeContext context, Exception? exception, Func<HubLifetimeContext, Exception?, Task> next) =>
        runner.Pool.RunAsync(() => next(context, exception));
}
