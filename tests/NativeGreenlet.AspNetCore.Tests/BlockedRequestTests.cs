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
        await using Server server = await Server.StartAsync(
            application => application.MapGet("/slow/{id}", (int id) =>
            {
                trace = Activity.Current?.TraceId.ToString();
                Thread.Sleep(400);
                return id;
            }),
            options =>
            {
                options.Hubs = 1;
                options.WarnWhenBlockedFor = TimeSpan.FromMilliseconds(50);
            });
        Assert.Equal("7", await server.Client.GetStringAsync(new Uri($"http://{server.EndPoint}/slow/7")));

        Assert.NotNull(trace);
        (int Id, LogLevel Level, string Text)[] entries = [.. server.Log.Entries.Where(entry => entry.Id == 5)];
        Assert.Contains(entries, entry => entry.Text.StartsWith($"GET /slow/7 (trace {trace}) kept request hub 0", StringComparison.Ordinal)
            && entry.Text.Contains("It has ended without a wait", StringComparison.Ordinal));
    }
}
