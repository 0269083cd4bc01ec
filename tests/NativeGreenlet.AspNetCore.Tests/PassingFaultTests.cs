using System.Net;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>What could not be had when the first request came is tried again for the next one.</summary>
public class PassingFaultTests
{
    [Fact]
    public async Task Hubs_that_cannot_be_made_are_made_for_a_later_request()
    {
        GreenRequestOptions? options = null;
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", HandlerTests.Wait),
            given =>
            {
                options = given;
                given.Hubs = int.MaxValue; // there is no memory for so many
            });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await server.GetStatusAsync("/"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await server.GetStatusAsync("/"));
        Assert.Contains(server.Log.Entries, entry => entry.Id == 3);
        options!.Hubs = 1;
        Assert.Equal("True", await server.GetAsync("/"));
    }
}
