using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NativeGreenlet.Common;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>What a request has around it: contexts, a blocked hub, an application that is not set up.</summary>
public class SurroundingsTests
{
    private static readonly AsyncLocal<string?> s_ambient = new();

    [Fact]
    public async Task Each_request_has_its_own_ambient_values()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/sync/{number}", (int number, IHttpContextAccessor accessor) => Check(number, accessor));
                app.MapGet("/async/{number}", async (int number, IHttpContextAccessor accessor) =>
                {
                    await Task.Delay(number % 5);
                    return Check(number, accessor);
                });
            },
            options => options.Hubs = 2,
            services => services.AddHttpContextAccessor(),
            app => app.Use(async (context, next) =>
            {
                s_ambient.Value = context.Request.Path;
                await next(context);
                Assert.Equal(context.Request.Path, s_ambient.Value); // what is changed inside stays inside
            }));

        using (new CollectorPressure(2))
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
            {
                string path = $"/{(i % 2 == 0 ? "sync" : "async")}/{i}";
                Assert.Equal(path, await server.GetAsync(path));
            }));
        }

        static string Check(int number, IHttpContextAccessor accessor)
        {
            HttpContext context = accessor.HttpContext!;
            string? activity = Activity.Current?.Id;
            Cell cell = new(number);
            string? value = s_ambient.Value;
            for (int i = 0; i < 10; i++)
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(i % 3));
                Assert.Same(context, accessor.HttpContext);
                Assert.Equal(activity, Activity.Current?.Id);
                Assert.Equal(value, s_ambient.Value);
                Assert.Equal(context, Hub.Spawn(() => accessor.HttpContext).Result);
                Assert.True(cell.Is(number));
                value = s_ambient.Value = $"{context.Request.Path}{i}";
            }

            return context.Request.Path;
        }
    }

    /// <summary>What blocks is bad, and warned of; but it does not hang for ever because continuations come back.</summary>
    [Fact]
    public async Task A_handler_that_blocks_on_its_own_continuation_goes_on()
    {
        Func<bool> isTold = () => false;
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/result", () => LaterAsync().Result);
                app.MapGet("/awaiter", async () =>
                {
                    await Task.Yield();
                    return LaterAsync().GetAwaiter().GetResult();
                });
                app.MapGet("/sleep", () => SleepOnTheThread());
            },
            options =>
            {
                options.Hubs = 1;
                options.WarnWhenBlockedFor = TimeSpan.FromMilliseconds(50);
            });

        isTold = () => server.Log.Entries.Any(entry => entry.Id == 5 && entry.Text.Contains(nameof(SleepOnTheThread), StringComparison.Ordinal));
        Assert.Equal("later", await server.GetAsync("/result"));
        Assert.Equal("later", await server.GetAsync("/awaiter"));
        Assert.Equal("slept", await server.GetAsync("/sleep"));
        Assert.True(isTold(), string.Join('\n', server.Log.Entries));

        static async Task<string> LaterAsync()
        {
            await Task.Delay(5);
            await Task.Delay(5);
            return "later";
        }

        // The watchdog may have no turn for a while.
        [MethodImpl(MethodImplOptions.NoInlining)]
        string SleepOnTheThread()
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (!isTold() && watch.Elapsed < Server.Patience / 2)
            {
                Thread.Sleep(100);
                Hub.Yield(); // here it is seen where it was
            }

            return "slept";
        }
    }

    /// <summary>Nor on that of another request of the same hub.</summary>
    [Fact]
    public async Task A_handler_that_blocks_on_another_request_goes_on()
    {
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Lazy<Task<string>> shared = new(LaterAsync);
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/first", async () => await shared.Value);
                app.MapGet("/second", () =>
                {
                    blocked.SetResult();
                    return shared.Value.Result;
                });
            },
            options => options.Hubs = 1);

        Task<string> first = server.GetAsync("/first");
        await begun.Task.WaitAsync(Server.Patience);
        Task<string> second = server.GetAsync("/second");
        Assert.Equal(["later", "later"], await Task.WhenAll(first, second));

        async Task<string> LaterAsync()
        {
            begun.SetResult();
            await blocked.Task;
            await Task.Delay(20);
            return "later";
        }
    }

    [Fact]
    public async Task What_is_left_behind_by_a_request_goes_on_elsewhere()
    {
        TaskCompletionSource<(bool IsInside, bool IsPooled)> later = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource isOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () =>
            {
                _ = LaterAsync();
                return "done";

                async Task LaterAsync()
                {
                    await go.Task;
                    later.SetResult((Hub.IsInside, Thread.CurrentThread.IsThreadPoolThread));
                }
            }),
            before: app => app.Use(async (context, next) =>
            {
                await next(context);
                isOver.SetResult(); // the run has ended, and not only its reply been sent
            }));

        Assert.Equal("done", await server.GetAsync("/"));
        await isOver.Task.WaitAsync(Server.Patience);
        go.SetResult();
        Assert.Equal((false, true), await later.Task.WaitAsync(Server.Patience));
    }

    [Fact]
    public async Task An_exception_that_nobody_waits_for_is_logged()
    {
        await using Server server = await Server.StartAsync(app => app.MapGet("/", () =>
        {
            GreenTask failing = Hub.Spawn(() => throw new InvalidTimeZoneException("unheard"));
            failing.Join();
            return "done";
        }));

        Assert.Equal("done", await server.GetAsync("/"));
        Assert.Contains("unheard", (await server.Log.WaitForAsync(entry => entry.Id == 4)).Text, StringComparison.Ordinal);
        Assert.Single(server.Log.Entries, entry => entry.Id == 4);
    }

    [Fact]
    public void What_is_missing_or_wrong_is_said_at_the_start()
    {
        WebApplication bare = WebApplication.CreateSlimBuilder().Build();
        Assert.Contains("AddGreenlets", Assert.Throws<InvalidOperationException>(() => bare.UseGreenlets()).Message, StringComparison.Ordinal);

        foreach (Action<GreenRequestOptions> wrong in new Action<GreenRequestOptions>[] { o => o.Hubs = 0, o => o.MaxConcurrentRequests = 0, o => o.QueueLimit = -1, o => o.WarnWhenBlockedFor = TimeSpan.Zero })
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Services.AddGreenlets(wrong);
            Assert.Throws<OptionsValidationException>(() => builder.Build().UseGreenlets());
        }
    }

    [Theory]
    [InlineData("segments", "1", "NotSupported: ")]
    [InlineData("slices", "0", "NotSupported: ")]
    [InlineData("threads", "0", "Threads")]
    public void What_cannot_be_had_is_said_at_the_start(string backend, string conservative, string expected)
    {
        string[] command = [.. ProgramHost.Command(typeof(SurroundingsTests).Assembly), ProgramHost.Child];
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            Environment = { ["NATIVEGREENLET_BACKEND"] = backend, ["DOTNET_gcConservative"] = conservative },
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.StartsWith(expected, output, StringComparison.Ordinal);
        Assert.Equal(expected == "Threads" ? 0 : 1, process.ExitCode);
    }

    [Fact]
    public async Task Where_greenlets_are_threads_that_is_logged()
    {
        await using Server server = await Server.StartAsync(app => app.MapGet("/", () => "done"));
        Assert.Equal(GreenletRuntime.Backend == GreenletBackend.Threads, server.Log.Entries.Any(entry => entry.Id == 1 && entry.Level == LogLevel.Warning));
    }
}
