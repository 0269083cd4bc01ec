using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NativeGreenlet.Common;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>How requests end: by exceptions, when the client goes away, when the server stops, when there are too
/// many.</summary>
public class EndingTests
{
    [Fact]
    public async Task Exceptions_reach_the_outer_middleware_as_they_were_thrown()
    {
        List<Exception> caught = [];
        Exception[] thrown = [new InvalidTimeZoneException("mine"), new OperationCanceledException("mine"), new GreenletExit("mine")];
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/sync/{which}", (int which) => Throw(which));
                app.MapGet("/async/{which}", async (int which) =>
                {
                    await Task.Delay(5);
                    return Throw(which);
                });
            },
            before: app => app.Use(async (context, next) =>
            {
                try
                {
                    await next(context);
                }
                catch (Exception exception)
                {
                    caught.Add(exception);
                    context.Response.StatusCode = StatusCodes.Status418ImATeapot;
                }
            }));

        foreach (string path in new[] { "/sync/0", "/async/0", "/sync/1", "/async/1", "/sync/2", "/async/2" })
        {
            Assert.Equal((HttpStatusCode)StatusCodes.Status418ImATeapot, await server.GetStatusAsync(path));
            Exception exception = caught[^1];
            Assert.Same(thrown[path[^1] - '0'], exception);
            Assert.Contains(nameof(Throw), exception.StackTrace, StringComparison.Ordinal);
        }

        string Throw(int which)
        {
            Hub.Sleep(TimeSpan.FromMilliseconds(1));
            throw thrown[which];
        }
    }

    [Fact]
    public async Task The_exception_page_shows_them()
    {
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", string () =>
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(1));
                throw new InvalidTimeZoneException("mine");
            }),
            before: app => app.UseDeveloperExceptionPage());

        using HttpResponseMessage reply = await server.Client.GetAsync(new Uri("/", UriKind.Relative));
        string page = await reply.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.InternalServerError, reply.StatusCode);
        Assert.Contains("InvalidTimeZoneException: mine", page, StringComparison.Ordinal);
        Assert.Contains(nameof(The_exception_page_shows_them), page, StringComparison.Ordinal);
    }

    /// <summary>The wait throws, finally blocks run and may wait, and only then the request is over.</summary>
    [Theory]
    [InlineData("/sync")]
    [InlineData("/bound")]
    [InlineData("/async")]
    [InlineData("/before")]
    [InlineData("/children")]
    public async Task A_client_that_goes_away_ends_the_wait(string path)
    {
        TaskCompletionSource isInside = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<Exception?> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> order = [];
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/sync", () => WaitForEver());
                app.MapPost("/bound", (int[] numbers) => WaitForEver());
                app.MapPost("/async", async () =>
                {
                    await Task.Delay(5);
                    WaitForEver();
                });
                app.MapPost("/before", async (HttpContext context) =>
                {
                    // The client goes while only asynchronous code waits, which does not look at the token: the next wait throws.
                    isInside.SetResult();
                    TaskCompletionSource gone = new();
                    using CancellationTokenRegistration registration = context.RequestAborted.Register(() => gone.SetResult());
                    await gone.Task;
                    await Task.Delay(20);
                    WaitForEver();
                });
                app.MapPost("/children", () =>
                {
                    Hub.Spawn(WaitForEver);
                    Hub.Yield();
                    try
                    {
                        Hub.Await(Task.Delay(Timeout.Infinite));
                    }
                    finally
                    {
                        order.Add("parent");
                    }
                });
            },
            before: app => app.Use(async (context, next) =>
            {
                Exception? exception = null;
                try
                {
                    await next(context);
                }
                catch (Exception caught)
                {
                    exception = caught;
                }

                order.Add("over");
                ended.SetResult(exception is OperationCanceledException canceled && canceled.CancellationToken == context.RequestAborted ? null : exception ?? new InvalidOperationException("nothing was thrown"));
            }));
        using CancellationTokenSource leave = new();
        Task<HttpResponseMessage> request = server.Client.PostAsync(new Uri(path, UriKind.Relative), new SlowContent("[1,2,3]"u8.ToArray(), "application/json"), leave.Token);
        await isInside.Task.WaitAsync(Server.Patience);

        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        Assert.Null(await ended.Task.WaitAsync(Server.Patience));
        Assert.Equal(path == "/children" ? ["parent", "cleaned", "over"] : ["cleaned", "over"], order);

        void WaitForEver()
        {
            try
            {
                isInside.TrySetResult();
                Hub.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(10));
                Hub.Await(Task.Delay(10));
                order.Add("cleaned");
            }
        }
    }

    /// <summary>Who aborts a request may be its own handler: it ends with all that it has spawned, also if it never has to wait.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_aborts_its_own_request_is_ended(bool parks)
    {
        ConcurrentQueue<string> order = [];
        TaskCompletionSource isOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", void (HttpContext context) =>
            {
                Hub.Spawn(() => Loop("child"));
                Hub.Yield();
                context.Abort();
                order.Enqueue("went on");
                Loop("caller");
            }),
            before: app => app.Use(async (context, next) =>
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next(context));
                isOver.SetResult();
            }));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => server.GetAsync("/"));
        await isOver.Task.WaitAsync(Server.Patience);
        Assert.Equal(["went on", "caller", "child"], order);

        void Loop(string name)
        {
            GreenSemaphore free = new(parks || name == "child" ? 0 : int.MaxValue);
            try
            {
                while (true)
                {
                    free.Wait();
                }
            }
            finally
            {
                Hub.Yield();
                order.Enqueue(name);
            }
        }
    }

    /// <summary>Who ends the hubs may be a request on one of them; it is killed with the rest, and nothing hangs.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_ends_the_hubs_does_not_wait_for_itself(bool isAsynchronous)
    {
        RequestRunner runner = new(Options.Create(new GreenRequestOptions { Hubs = 2, MaxConcurrentRequests = 10 }), NullLogger<RequestRunner>.Instance);
        ConcurrentQueue<string> order = [];
        using CountdownEvent waiting = new(3);
        Task[] others = [.. Enumerable.Range(0, 3).Select(i => runner.RunAsync(new DefaultHttpContext(), _ =>
        {
            try
            {
                waiting.Signal();
                Hub.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(5));
                order.Enqueue("other");
            }

            return Task.CompletedTask;
        }))];
        Assert.True(waiting.Wait(Server.Patience));
        Task caller = runner.RunAsync(new DefaultHttpContext(), _ =>
        {
            try
            {
                if (isAsynchronous)
                {
                    Hub.Await(runner.DisposeAsync());
                }
                else
                {
                    runner.Dispose();
                }

                Hub.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                order.Enqueue("caller");
            }

            return Task.CompletedTask;
        });
        foreach (Task run in others.Append(caller))
        {
            await Assert.ThrowsAnyAsync<Exception>(() => run.WaitAsync(Server.Patience));
            Assert.True(run.IsCompleted, "it hangs");
        }

        // Those in the caller's own hub end together with it.
        Assert.Equal(["caller", "other", "other", "other"], order.Order());
    }

    /// <summary>The server must not use the context again while a handler still does.</summary>
    [Fact]
    public async Task A_request_is_not_over_before_its_asynchronous_handler_is()
    {
        TaskCompletionSource isInside = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource isOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", async () =>
            {
                isInside.SetResult();
                await go.Task;
            }),
            before: app => app.Use(async (context, next) =>
            {
                using CancellationTokenRegistration registration = context.RequestAborted.Register(() => isInside.TrySetResult());
                await next(context);
                isOver.SetResult();
            }));
        using CancellationTokenSource leave = new();
        Task<HttpResponseMessage> request = server.Client.GetAsync(new Uri("/", UriKind.Relative), leave.Token);
        await isInside.Task.WaitAsync(Server.Patience);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);

        await Task.Delay(100);
        Assert.False(isOver.Task.IsCompleted);
        go.SetResult();
        await isOver.Task.WaitAsync(Server.Patience);
    }

    [Fact]
    public async Task A_server_that_stops_lets_requests_end()
    {
        TaskCompletionSource isInside = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(app => app.MapGet("/", () =>
        {
            isInside.SetResult();
            Hub.Sleep(TimeSpan.FromMilliseconds(200));
            return "done";
        }));
        Task<string> request = server.GetAsync("/");
        await isInside.Task.WaitAsync(Server.Patience);

        await server.StopAsync();

        Assert.Equal("done", await request);
    }

    [Fact]
    public async Task A_server_that_has_waited_long_enough_ends_them()
    {
        TaskCompletionSource isInside = new(TaskCreationOptions.RunContinuationsAsynchronously);
        bool cleaned = false;
        Server server = await Server.StartAsync(app => app.MapGet("/", () =>
        {
            try
            {
                isInside.SetResult();
                Hub.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(10));
                cleaned = true;
            }
        }));
        Task<string> request = server.GetAsync("/");
        await isInside.Task.WaitAsync(Server.Patience);

        using CancellationTokenSource now = new(TimeSpan.FromMilliseconds(100));
        await server.StopAsync(now.Token);
        await Assert.ThrowsAnyAsync<Exception>(() => request);
        await server.DisposeAsync(); // the hubs end with the rest

        Assert.True(cleaned);
    }

    [Fact]
    public async Task A_request_that_left_its_hub_and_comes_back_counts_once()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.Use(async (context, next) =>
                {
                    await Task.Delay(5).ConfigureAwait(false);
                    Assert.False(Hub.IsInside);
                    await next(context);
                });
                app.MapGet("/", HandlerTests.Wait).RequireGreenlets();
            },
            options => options.MaxConcurrentRequests = 1);

        Assert.Equal("True", await server.GetAsync("/"));
    }

    [Fact]
    public async Task One_too_many_is_turned_away()
    {
        int inside = 0;
        using SemaphoreSlim entered = new(0);
        GreenEvent go = new();
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/", () =>
                {
                    Assert.InRange(Interlocked.Increment(ref inside), 1, 2);
                    entered.Release();
                    go.Wait();
                    Interlocked.Decrement(ref inside);
                    return "done";
                });
                app.MapGet("/free", () => "free").DisableGreenlets();
            },
            options =>
            {
                options.MaxConcurrentRequests = 2;
                options.QueueLimit = 1;
            });

        Task<string>[] two = [server.GetAsync("/"), server.GetAsync("/")];
        await entered.WaitAsync(Server.Patience);
        await entered.WaitAsync(Server.Patience);

        // Of two more one is queued and one is turned away; whichever comes first.
        Task<HttpResponseMessage>[] more = [.. Enumerable.Range(0, 2).Select(_ => server.Client.GetAsync(new Uri("/", UriKind.Relative)))];
        using HttpResponseMessage rejected = await await Task.WhenAny(more);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, rejected.StatusCode);
        Assert.Single(server.Log.Entries, entry => entry.Id == 2);
        Assert.Equal("free", await server.GetAsync("/free"));
        go.Set();
        Assert.All(await Task.WhenAll(two), reply => Assert.Equal("done", reply));
        Assert.Single(await Task.WhenAll(more), reply => reply.IsSuccessStatusCode);
    }

    /// <summary>A request for which there is no stack is answered at once; what comes after an <c>await</c> and has none goes
    /// on elsewhere; with stacks all is as before.</summary>
    [Fact]
    public async Task Without_stacks_requests_are_turned_away_and_continuations_go_on_elsewhere()
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // nothing else limits the address space of a process so that it still starts
        }

        string[] command = [.. ProgramHost.Command(typeof(EndingTests).Assembly), ProgramHost.Child, StackShortage.Argument];
        ProcessStartInfo start = new("/bin/sh", ["-c", "ulimit -v 4000000 && exec \"$@\"", "sh", .. command])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["NATIVEGREENLET_BACKEND"] = "segments",
                ["DOTNET_gcConservative"] = "0",
                ["DOTNET_GCHeapHardLimit"] = "0x4000000",
            },
        };
        using Process process = Process.Start(start)!;

        string output = await process.StandardOutput.ReadToEndAsync();

        await process.WaitForExitAsync();
        Assert.Equal(StackShortage.Expected, output.ReplaceLineEndings("\n").TrimEnd().Split('\n'));
        Assert.Equal(0, process.ExitCode);
    }
}
