using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NativeGreenlet.Common;
using NativeGreenlet.Cooperative.Tests.Faults;

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

    /// <summary>With one hub of two requests are served; without a watchdog, too; and both come later.</summary>
    [Fact]
    public async Task Threads_that_cannot_be_started_are_done_without_until_they_can()
    {
        if (SystemFaults.TryCompile() is not { } library)
        {
            return; // no compiler here
        }

        try
        {
            string[] command = [.. ProgramHost.Command(typeof(PassingFaultTests).Assembly), ProgramHost.Child, ThreadShortage.Argument];
            ProcessStartInfo start = new(command[0], command[1..])
            {
                RedirectStandardOutput = true,
                Environment = { ["LD_PRELOAD"] = library, [SystemFaults.Variable] = library },
            };
            using Process process = Process.Start(start)!;
            string output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.Equal(ThreadShortage.Expected, output.ReplaceLineEndings("\n").TrimEnd().Split('\n'));
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            File.Delete(library);
        }
    }

    /// <summary>Ended means ended: no handler begins, no hub is made, and nothing is an error.</summary>
    [Theory]
    [InlineData(false, null)]
    [InlineData(false, 1)]
    [InlineData(true, null)]
    [InlineData(true, 1)]
    public async Task A_request_that_comes_after_the_end_is_turned_away(bool hasServed, int? limit)
    {
        using RequestRunner runner = new(Options.Create(new GreenRequestOptions { Hubs = 1, MaxConcurrentRequests = limit }), NullLogger<RequestRunner>.Instance);
        int begun = 0;
        if (hasServed)
        {
            await runner.RunAsync(new DefaultHttpContext(), _ => Begin()).WaitAsync(Server.Patience);
        }

        await runner.DisposeAsync();
        DefaultHttpContext late = new();
        await runner.RunAsync(late, _ => Begin()).WaitAsync(Server.Patience);
        Assert.Equal(StatusCodes.Status503ServiceUnavailable, late.Response.StatusCode);
        Assert.Equal(hasServed ? 1 : 0, begun);

        Task Begin()
        {
            begun++;
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Requests_that_wait_for_their_turn_are_turned_away_at_the_end_without_an_error()
    {
        Log log = new();
        using ILoggerFactory factory = LoggerFactory.Create(builder => builder.AddProvider(log));
        RequestRunner runner = new(
            Options.Create(new GreenRequestOptions { Hubs = 1, MaxConcurrentRequests = 1, QueueLimit = 10 }),
            factory.CreateLogger<RequestRunner>());
        TaskCompletionSource inside = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int begun = 0;
        Task first = runner.RunAsync(new DefaultHttpContext(), _ =>
        {
            inside.SetResult();
            begun++;
            Hub.Sleep(Timeout.InfiniteTimeSpan);
            return Task.CompletedTask;
        });
        await inside.Task.WaitAsync(Server.Patience);
        DefaultHttpContext[] waiting = [new(), new(), new()];
        Task[] runs = [.. waiting.Select(context => runner.RunAsync(context, _ => Begin()))];
        await runner.DisposeAsync();
        await Task.WhenAll(runs).WaitAsync(Server.Patience);
        Assert.All(waiting, context => Assert.Equal(StatusCodes.Status503ServiceUnavailable, context.Response.StatusCode));
        await Assert.ThrowsAnyAsync<Exception>(() => first.WaitAsync(Server.Patience)); // it was killed
        Assert.Equal(1, begun);
        Assert.Empty(log.Complaints);

        Task Begin()
        {
            begun++;
            return Task.CompletedTask;
        }
    }
}
