using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>The log says which request blocked a hub, and of which trace it is part.</summary>
public class BlockedRequestTests
{
    [Fact]
    public async Task A_request_that_blocks_and_ends_is_named_with_its_path_and_its_trace()
    {
        string? trace = null;
        Func<bool> isTold = () => false;
        await using Server server = await Server.StartAsync(
            application => application.MapGet("/slow/{id}", (int id) =>
            {
                trace = Activity.Current?.TraceId.ToString();
                Assert.True(SpinWait.SpinUntil(() => isTold(), Server.Patience));
                return id;
            }),
            options =>
            {
                options.Hubs = 1;
                options.WarnWhenBlockedFor = TimeSpan.FromMilliseconds(50);
            });
        isTold = () => server.Log.Entries.Any(IsOfRequest);
        Assert.Equal("7", await server.Client.GetStringAsync(new Uri($"http://{server.EndPoint}/slow/7")));

        // The client may have its answer before the request has ended.
        await server.Log.WaitForAsync(entry => IsOfRequest(entry) && entry.Text.Contains("It has ended without a wait", StringComparison.Ordinal));

        bool IsOfRequest((int Id, LogLevel Level, string Text) entry) =>
            entry.Id == 5 && trace is not null && entry.Text.StartsWith($"GET /slow/7 (trace {trace}) kept request hub 0", StringComparison.Ordinal);
    }
}
