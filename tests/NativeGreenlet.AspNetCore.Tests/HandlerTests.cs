using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>Handlers that wait hold no thread, however they are written and reached.</summary>
public class HandlerTests
{
    private const int Many = 200;

    [Fact]
    public async Task Many_synchronous_handlers_wait_at_the_same_time_on_few_threads()
    {
        int inside = 0;
        GreenEvent all = new();
        ConcurrentDictionary<int, bool> threads = new();
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () =>
            {
                threads[Environment.CurrentManagedThreadId] = Thread.CurrentThread.IsThreadPoolThread;
                if (Interlocked.Increment(ref inside) == Many)
                {
                    all.Set();
                }

                all.Wait(); // for all the others, and each sleeps besides
                Hub.Sleep(TimeSpan.FromMilliseconds(20));
                threads[Environment.CurrentManagedThreadId] = Thread.CurrentThread.IsThreadPoolThread;
                return "done";
            }),
            options => options.Hubs = 2);

        string[] replies = await Task.WhenAll(Enumerable.Range(0, Many).Select(_ => server.GetAsync("/")));

        Assert.All(replies, reply => Assert.Equal("done", reply));
        Assert.DoesNotContain(true, threads.Values);
        if (GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            Assert.InRange(threads.Count, 1, 2);
        }
    }

    /// <summary>How a wait is refused where there are no greenlets.</summary>
    protected virtual string[] Refusals => [nameof(MissingHubException)];

    [Fact]
    public async Task Without_greenlets_a_wait_is_refused_never_blocked()
    {
        await using Server server = await Server.StartAsync(app =>
        {
            app.MapGet("/disabled", Wait).DisableGreenlets();
            app.MapGet("/attribute", [RunOnGreenlet(false)] () => Wait());
            app.MapGet("/", Wait);
        });

        Assert.Equal("True", await server.GetAsync("/"));
        Assert.Equal(HttpStatusCode.InternalServerError, await server.GetStatusAsync("/disabled"));
        Assert.Equal(HttpStatusCode.InternalServerError, await server.GetStatusAsync("/attribute"));
        Assert.All(server.Log.Entries.Where(entry => entry.Text.Contains("nhandled", StringComparison.Ordinal)), entry => Assert.Contains(Refusals, refusal => entry.Text.Contains(refusal, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Endpoints_may_ask_for_greenlets()
    {
        await using (Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/", () => Hub.IsInside.ToString());
                app.MapGet("/attribute", [RunOnGreenlet] () => Wait());
                app.MapGet("/required", Wait).RequireGreenlets();
            },
            options => options.RunByDefault = false))
        {
            Assert.Equal("False", await server.GetAsync("/"));
            Assert.Equal("True", await server.GetAsync("/attribute"));
            Assert.Equal("True", await server.GetAsync("/required"));
        }

        await using (Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/required", Wait).RequireGreenlets();
                app.MapGet("/other", () => Hub.IsInside.ToString());
            },
            usesGreenlets: false))
        {
            Assert.Equal("True", await server.GetAsync("/required"));
            Assert.Equal("False", await server.GetAsync("/other"));
        }
    }

    [Fact]
    public async Task A_handler_waits_after_its_body_was_read_asynchronously()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/minimal", (Note note) => Wait() + note.Text);
                app.MapPost("/bound/{name}", (string name, Note note) => Wait() + name + note.Text).RequireGreenlets();
                app.MapControllers();
            },
            services: services => services.AddControllers().AddApplicationPart(typeof(NoteController).Assembly));
        byte[] body = Encoding.UTF8.GetBytes($"{{\"text\":\"{new string('x', 10_000)}\"}}");

        foreach (string path in new[] { "/minimal", "/bound/", "/controller", "/controller/task" })
        {
            string name = path == "/bound/" ? "me" : string.Empty;
            Assert.Equal("True" + name + new string('x', 10_000), await server.PostAsync(path + name, new SlowContent(body, "application/json")));
        }

        Assert.Equal("True", await server.GetAsync("/controller"));
    }

    [Fact]
    public async Task Asynchronous_code_works_and_comes_back_to_its_hub()
    {
        await using Server server = await Server.StartAsync(app =>
        {
            app.Use(async (context, next) =>
            {
                int thread = Environment.CurrentManagedThreadId;
                await Task.Delay(5);
                Assert.True(Hub.IsInside);
                Assert.Equal(thread, GreenletRuntime.Backend == GreenletBackend.Threads ? thread : Environment.CurrentManagedThreadId);
                await next(context);
                Wait();
            });
            app.MapGet("/async", async () =>
            {
                await Task.Yield();
                Wait();
                await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
                {
                    await Task.Delay(i);
                    Wait();
                    Hub.Await(Task.Delay(1));
                }));
                return await Task.Run(() => Hub.IsInside).ConfigureAwait(false) ? "inside" : "done";
            });
            app.MapGet("/lost", async () =>
            {
                await Task.Delay(5).ConfigureAwait(false);
                return Hub.IsInside.ToString();
            });
            app.MapGet("/nested", async () =>
            {
                // Waits for asynchronous code whose continuations come back here.
                string first = Hub.Await(OneAsync());
                return first + await OneAsync();
            });
            app.MapGet("/spawn", () => string.Concat(new GreenPool(3).Map(Enumerable.Range(0, 9), i =>
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(9 - i));
                return i;
            })));
        });

        Assert.Equal("done", await server.GetAsync("/async"));
        Assert.Equal("False", await server.GetAsync("/lost"));
        Assert.Equal("OneOne", await server.GetAsync("/nested"));
        Assert.Equal("012345678", await server.GetAsync("/spawn"));

        static async Task<string> OneAsync()
        {
            await Task.Delay(5);
            Wait();
            return "One";
        }
    }

    [Fact]
    public async Task A_handler_calls_other_servers()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/leaf/{number}", (int number) =>
                {
                    Hub.Sleep(TimeSpan.FromMilliseconds(5));
                    return number * 2;
                });
                app.MapGet("/sum", (HttpContext context) =>
                {
                    using HttpClient client = new(new GreenHttpHandler());
                    return new GreenPool(10).Map(Enumerable.Range(0, 50), i =>
                    {
                        using HttpResponseMessage reply = client.Send(new HttpRequestMessage(HttpMethod.Get, $"http://{context.Request.Host}/leaf/{i}"));
                        using StreamReader reader = new(reply.EnsureSuccessStatusCode().Content.ReadAsStream());
                        return int.Parse(reader.ReadToEnd(), System.Globalization.CultureInfo.InvariantCulture);
                    }).Sum();
                });
            },
            options => options.Hubs = 1);

        Assert.Equal("2450", await server.GetAsync("/sum"));
    }

    /// <summary>What another request of the same run-time may do later is no deadlock.</summary>
    [Fact]
    public async Task A_request_waits_for_another_one()
    {
        Lazy<GreenEvent> signal = new(() => new GreenEvent());
        TaskCompletionSource isWaiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/wait", () =>
                {
                    GreenEvent mine = signal.Value; // only this request knows it until the other one comes
                    isWaiting.SetResult();
                    mine.Wait();
                    return "woken";
                });
                app.MapGet("/set", () => signal.Value.Set());
            },
            options => options.Hubs = 1);

        Task<string> waiting = server.GetAsync("/wait");
        await isWaiting.Task.WaitAsync(Server.Patience);
        await Task.Delay(300);
        Assert.False(waiting.IsCompleted);
        await server.GetAsync("/set");
        Assert.Equal("woken", await waiting);
    }

    /// <summary>Waits in a synchronous way, and tells whether it was on a hub.</summary>
    internal static string Wait()
    {
        Hub.Sleep(TimeSpan.FromMilliseconds(1));
        return Hub.IsInside.ToString();
    }
}
