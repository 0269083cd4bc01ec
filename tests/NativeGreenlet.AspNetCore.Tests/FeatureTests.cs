using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>What is put in the place of the server's features passes everything on, and what is exchanged inside a request is
/// respected.</summary>
public class FeatureTests
{
    [Fact]
    public async Task A_form_that_was_read_or_set_inside_is_there_outside()
    {
        List<string?> outside = [];
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/read", (HttpContext context) => context.Request.Form["a"].ToString());
                app.MapPost("/set", (HttpContext context) =>
                {
                    context.Request.Form = new FormCollection(new Dictionary<string, StringValues> { ["a"] = "mine" });
                    return context.Request.Form["a"].ToString();
                });
            },
            before: app => app.Use(async (context, next) =>
            {
                await next(context);
                outside.Add((await context.Request.ReadFormAsync())["a"]); // the body can be read once only
            }));

        foreach ((string path, string expected) in new[] { ("/read", "value"), ("/set", "mine") })
        {
            using FormUrlEncodedContent form = new([new("a", "value")]);
            Assert.Equal(expected, await server.PostAsync(path, form));
            Assert.Equal(expected, outside[^1]);
        }
    }

    [Fact]
    public async Task A_body_that_was_exchanged_inside_has_a_reader_of_its_own_and_stays()
    {
        Stream? outside = null;
        MemoryStream mine = new("mine"u8.ToArray());
        await using Server server = await Server.StartAsync(
            app => app.MapPost("/", (HttpContext context) =>
            {
                PipeReader before = context.Request.BodyReader;
                Assert.Same(before, context.Request.BodyReader);
                string first = Read(before);
                context.Request.Body = mine;
                Assert.NotSame(before, context.Request.BodyReader);
                return first + Read(context.Request.BodyReader);
            }),
            before: app => app.Use(async (context, next) =>
            {
                await next(context);
                outside = context.Request.Body;
            }));

        Assert.Equal("theirsmine", await server.PostAsync("/", new StringContent("theirs")));
        Assert.Same(mine, outside);

        static string Read(PipeReader reader)
        {
            using Stream stream = reader.AsStream(leaveOpen: true);
            using StreamReader text = new(stream);
            return text.ReadToEnd();
        }
    }

    /// <summary>A stream of a pipe that is to stay open leaves it open.</summary>
    [Fact]
    public async Task Streams_of_pipes_may_leave_them_open()
    {
        await using Server server = await Server.StartAsync(app => app.MapPost("/", (HttpContext context) =>
        {
            int first;
            using (Stream stream = context.Request.BodyReader.AsStream(leaveOpen: true))
            {
                first = stream.ReadByte();
            }

            using (Stream stream = context.Response.BodyWriter.AsStream(leaveOpen: true))
            {
                stream.WriteByte((byte)first);
            }

            using Stream rest = context.Request.BodyReader.AsStream();
            using Stream to = context.Response.BodyWriter.AsStream();
            rest.CopyTo(to);
        }));

        Assert.Equal("body", await server.PostAsync("/", new StringContent("body")));
    }

    [Fact]
    public async Task What_is_asked_of_a_response_reaches_the_server()
    {
        string path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, "0123456789");
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int unbuffered = 0;
        bool hasStarted = false;
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/file", (HttpContext context) =>
                {
                    context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
                    Hub.Await(context.Response.SendFileAsync(path, 3, 4));
                });
                app.MapGet("/started", (HttpContext context) =>
                {
                    Hub.Await(context.Response.StartAsync());
                    hasStarted = context.Response.HasStarted;
                });
                app.MapGet("/completed", (HttpContext context) =>
                {
                    context.Response.Body.Write("all"u8);
                    Hub.Await(context.Response.CompleteAsync());
                    Hub.Await(go.Task);
                });
            },
            before: app => app.Use(async (context, next) =>
            {
                IHttpResponseBodyFeature below = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
                context.Features.Set<IHttpResponseBodyFeature>(new Noting(below, () => unbuffered++));
                await next(context);
                context.Features.Set(below);
            }));

        Assert.Equal("3456", await server.GetAsync("/file"));
        Assert.Equal(1, unbuffered);
        File.Delete(path);

        await server.GetAsync("/started");
        Assert.True(hasStarted);
        Assert.Equal("all", await server.GetAsync("/completed").WaitAsync(Server.Patience)); // before the handler is over
        go.SetResult();
    }

    /// <summary>With <c>UseGreenlets</c> an endpoint that asks for greenlets has what comes before it on them, too.</summary>
    [Fact]
    public async Task What_comes_before_an_endpoint_that_asks_is_on_greenlets_too()
    {
        List<bool> before = [];
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.Use(next => context =>
                {
                    before.Add(Hub.IsInside);
                    return next(context);
                });
                app.MapGet("/", () => Hub.IsInside.ToString()).RequireGreenlets();
                app.MapGet("/other", () => Hub.IsInside.ToString());
            },
            options => options.RunByDefault = false);

        Assert.Equal("True", await server.GetAsync("/"));
        Assert.Equal("False", await server.GetAsync("/other"));
        Assert.Equal([true, false], before);
    }

    /// <summary>A client that goes away while its request waits for its turn gives the place up.</summary>
    [Fact]
    public async Task A_request_in_the_queue_whose_client_goes_away_leaves_it()
    {
        TaskCompletionSource inside = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource queued = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<Exception?> left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GreenEvent go = new();
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/{name}", (string name) =>
            {
                inside.TrySetResult();
                go.Wait();
                return name;
            }),
            options =>
            {
                options.MaxConcurrentRequests = 1;
                options.QueueLimit = 1;
            },
            before: app => app.Use(async (context, next) =>
            {
                Task rest = next(context);
                if (context.Request.Path == "/second")
                {
                    queued.SetResult();
                    left.SetResult(await Record.ExceptionAsync(() => rest));
                }

                await rest;
            }));
        Task<string> first = server.GetAsync("/first");
        await inside.Task.WaitAsync(Server.Patience);
        using CancellationTokenSource leave = new();
        Task<HttpResponseMessage> second = server.Client.GetAsync(new Uri("/second", UriKind.Relative), leave.Token);
        await queued.Task.WaitAsync(Server.Patience);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);

        Exception? exception = await left.Task.WaitAsync(Server.Patience);
        Assert.True(exception is OperationCanceledException, $"{exception}");
        Task<string> third = server.GetAsync("/third");
        go.Set();
        Assert.Equal(["first", "third"], await Task.WhenAll(first, third));
    }

    /// <summary>What the client has of it does not look whole.</summary>
    [Fact]
    public async Task A_response_that_has_begun_is_cut_off_when_the_request_is_turned_away()
    {
        TaskCompletionSource inside = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GreenEvent go = new();
        Exception? thrown = null;
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/{name}", (string name) =>
            {
                inside.TrySetResult();
                go.Wait();
                return name;
            }),
            options => options.MaxConcurrentRequests = 1,
            before: app => app.Use(async (context, next) =>
            {
                if (context.Request.Path == "/begun")
                {
                    await context.Response.WriteAsync("begun");
                    await context.Response.Body.FlushAsync();
                }

                thrown = await Record.ExceptionAsync(() => next(context)) ?? thrown;
            }));
        Task<string> first = server.GetAsync("/first");
        await inside.Task.WaitAsync(Server.Patience);
        await Assert.ThrowsAsync<HttpRequestException>(() => server.GetAsync("/begun"));
        Assert.Null(thrown);
        go.Set();
        Assert.Equal("first", await first);
    }

    /// <summary>Handlers that nobody rewrote: all of them wait at the same time, on one thread.</summary>
    [Fact]
    public async Task Handlers_that_block_park()
    {
        if (GreenletRuntime.Backend != GreenletBackend.Segments)
        {
            return; // each would hold its thread
        }

        using CountdownEvent all = new(20);
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () =>
            {
                if (all.Signal())
                {
                    go.SetResult();
                }

                go.Task.Wait();
                return "went on";
            }),
            options =>
            {
                options.Hubs = 1;
                options.BlockingWaits = BlockingWaits.Park;
            });
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => server.GetAsync("/"))), answer => Assert.Equal("went on", answer));
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Id == 8);
    }

    [Fact]
    public async Task A_handler_that_blocks_is_logged_with_its_place()
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // the runtime tells nobody then
        }

        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () =>
            {
                using ManualResetEventSlim nothing = new(false, spinCount: 0); // it must not spin for all of its time
                nothing.Wait(20);
                return "blocked";
            }),
            options =>
            {
                options.Hubs = 1;
                options.BlockingWaits = BlockingWaits.Report;
            });
        Assert.Equal("blocked", await server.GetAsync("/"));
        Assert.Equal("blocked", await server.GetAsync("/"));
        int told = server.Log.Entries.Count(entry => entry.Id == 8 && entry.Text.Contains(nameof(A_handler_that_blocks_is_logged_with_its_place), StringComparison.Ordinal));
        Assert.True(told == 1, string.Join('\n', server.Log.Entries));
    }

    /// <summary>Only the hubs of the application are warned of, and nobody watches any more when it has ended.</summary>
    [Fact]
    public async Task Other_hubs_that_block_are_not_warned_of()
    {
        using Hub other = Hub.Start("other");
        Server server = await Server.StartAsync(
            app => app.MapGet("/", HandlerTests.Wait),
            options => options.WarnWhenBlockedFor = TimeSpan.FromMilliseconds(40));
        Assert.Equal("True", await server.GetAsync("/"));
        int watching = Watchdogs();
        await other.InvokeAsync(() =>
        {
            Thread.Sleep(200);
            Hub.Yield();
        });
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Id == 5 && entry.Text.Contains(" kept other ", StringComparison.Ordinal));
        await server.DisposeAsync();
        if (OperatingSystem.IsLinux())
        {
            Assert.True(SpinWait.SpinUntil(() => Watchdogs() == watching - 1, Server.Patience));
        }

        static int Watchdogs() => OperatingSystem.IsLinux()
            ? Directory.GetDirectories("/proc/self/task").Count(task => NameOf(task).StartsWith("hub watchdog", StringComparison.Ordinal))
            : 0;

        static string NameOf(string task)
        {
            try
            {
                return File.ReadAllText(Path.Combine(task, "comm"));
            }
            catch (IOException)
            {
                return string.Empty; // it has ended
            }
        }
    }

    /// <summary>A handler that has no stack for something of its own was not turned away.</summary>
    [Fact]
    public async Task A_shortage_inside_a_handler_is_its_own()
    {
        await using Server server = await Server.StartAsync(app => app.MapGet("/", string () => throw new GreenletException(GreenletError.OutOfStacks, "mine")));

        Assert.Equal(HttpStatusCode.InternalServerError, await server.GetStatusAsync("/"));
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Id == 3);
    }

    private sealed class Noting(IHttpResponseBodyFeature below, Action disableBuffering) : IHttpResponseBodyFeature
    {
        public Stream Stream => below.Stream;

        public PipeWriter Writer => below.Writer;

        public void DisableBuffering()
        {
            disableBuffering();
            below.DisableBuffering();
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => below.StartAsync(cancellationToken);

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            below.SendFileAsync(path, offset, count, cancellationToken);

        public Task CompleteAsync() => below.CompleteAsync();
    }
}
