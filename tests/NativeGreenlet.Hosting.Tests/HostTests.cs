using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NativeGreenlet.Common;
using NativeGreenlet.Hosting.Services;

namespace NativeGreenlet.Hosting.Tests;

/// <summary>Hubs, servers and services of a host: start, drain, stop, options, log, health.</summary>
public sealed class HostTests : IDisposable
{
    private readonly Log _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task A_server_of_a_host_serves_and_its_connections_may_end_when_the_host_stops()
    {
        bool hasEnded = false;
        using ManualResetEventSlim served = new();
        using IHost host = Build(services => services.AddGreenTcpServer("echo", stream =>
        {
            stream.WriteByte((byte)stream.ReadByte());
            served.Set();
            hasEnded = stream.ReadByte() < 0; // until the client leaves
        }));
        await host.StartAsync();
        using TcpClient client = await ConnectAsync(host, "echo");
        client.GetStream().WriteByte(7);
        Assert.Equal(7, client.GetStream().ReadByte());

        Task stopping = host.StopAsync();
        await Task.Delay(100);
        Assert.False(stopping.IsCompleted);
        client.Close();
        await stopping.WaitAsync(Log.Patience);

        Assert.True(hasEnded);
        Assert.DoesNotContain(_log.Lines, line => line.Contains("killed", StringComparison.Ordinal));
        await _log.WaitForAsync("Information", "The server echo listens at 127.0.0.1:");
    }

    [Fact]
    public async Task Connections_that_do_not_end_are_killed_within_the_hosts_time()
    {
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource cleaned = new();
        using IHost host = Build(services =>
        {
            services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(500));
            services.AddGreenTcpServer("slow", stream =>
            {
                begun.SetResult();
                try
                {
                    stream.ReadByte();
                }
                finally
                {
                    cleaned.SetResult();
                }
            });
        });
        await host.StartAsync();
        using TcpClient client = await ConnectAsync(host, "slow");
        await begun.Task.WaitAsync(Log.Patience);

        await host.StopAsync().WaitAsync(Log.Patience);

        await cleaned.Task.WaitAsync(Log.Patience);
        await _log.WaitForAsync("Warning", "1 connections of the server slow did not end");
    }

    [Fact]
    public async Task A_thread_that_is_blocked_does_not_keep_the_host_from_stopping()
    {
        using ManualResetEventSlim release = new();
        using ManualResetEventSlim blocks = new();
        using IHost host = Build(services =>
        {
            services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(300));
            services.AddGreenService("blocker", (_, _) =>
            {
                blocks.Set();
                release.Wait(CancellationToken.None);
            });
        });
        await host.StartAsync();
        Assert.True(blocks.Wait(Log.Patience));
        try
        {
            await host.StopAsync().ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Log.Patience);
            await _log.WaitForAsync("Error", "The service blocker does not end");
            await _log.WaitForAsync("Error", "A hub does not end");
        }
        finally
        {
            release.Set();
        }
    }

    [Fact]
    public async Task A_service_is_told_to_stop_and_one_that_fails_stops_the_host()
    {
        bool hasStopped = false;
        using (IHost host = Build(services => services.AddGreenService("patient", (_, stopping) =>
        {
            try
            {
                Hub.Sleep(Timeout.InfiniteTimeSpan, stopping);
            }
            finally
            {
                hasStopped = true;
            }
        })))
        {
            await host.StartAsync();
            await Task.Delay(50);
            await host.StopAsync().WaitAsync(Log.Patience);
        }

        Assert.True(hasStopped);
        Assert.DoesNotContain(_log.Lines, line => line.Contains("Critical", StringComparison.Ordinal));
        using IHost failing = Build(services => services.AddGreenService<Failing>());
        await failing.RunAsync().WaitAsync(Log.Patience);
        await _log.WaitForAsync("Critical", "The service Failing ended with an exception", "on purpose");
    }

    [Fact]
    public async Task A_handler_that_is_a_class_has_a_scope_for_each_connection_and_its_failure_is_logged()
    {
        using IHost host = Build(services =>
        {
            services.AddScoped<Resource>();
            services.AddSingleton(new List<Resource>());
            services.AddGreenTcpServer<Handler>("scoped", options => options.HubCount = 2);
        });
        await host.StartAsync();
        for (int i = 0; i < 2; i++)
        {
            using TcpClient client = await ConnectAsync(host, "scoped");
            client.GetStream().WriteByte((byte)i);
            Assert.Equal(-1, client.GetStream().ReadByte()); // the handler has ended
        }

        await host.StopAsync().WaitAsync(Log.Patience);
        List<Resource> resources = host.Services.GetRequiredService<List<Resource>>();
        Assert.Equal(2, resources.Count);
        Assert.All(resources, resource => Assert.True(resource.IsDisposed));
        await _log.WaitForAsync("Error", "server scoped", "byte 1");
    }

    [Fact]
    public async Task Who_blocks_a_hub_is_logged_and_unhealthy()
    {
        using ManualResetEventSlim release = new();
        using IHost host = Build(
            services =>
            {
                services.AddHealthChecks().AddGreenHubs();
                services.AddGreenHosting(options => options.UnhealthyWhenBlockedFor = TimeSpan.FromMilliseconds(300));
            },
            ("Greenlets:Hubs:WarnWhenBlockedFor", "00:00:00.200"),
            ("Greenlets:Hubs:Size", "2"),
            ("Greenlets:Hubs:Name", "worker"));
        await host.StartAsync();
        HealthCheckService health = host.Services.GetRequiredService<HealthCheckService>();
        GreenHubs hubs = host.Services.GetRequiredService<GreenHubs>();
        Assert.Equal(2, hubs.Pool.Size);
        await hubs.Pool.RunAsync(() => Hub.Yield());
        HealthReport before = await WaitForAsync(health, HealthStatus.Healthy); // a hub of another test may just be ending
        Assert.Contains("worker 1", before.Entries["greenlets"].Data.Keys);

        Task run = hubs.Pool.RunAsync(() => release.Wait());
        await _log.WaitForAsync("Warning", "worker", "blocked its thread", "It still does");
        HealthReport during = await health.CheckHealthAsync();
        release.Set();
        await run;

        Assert.Equal(HealthStatus.Unhealthy, during.Status);
        Assert.Contains("has not turned for", during.Entries["greenlets"].Description, StringComparison.Ordinal);
        await _log.WaitForAsync("Warning", "It has ended without a wait");
        await WaitForAsync(health, HealthStatus.Healthy);
        await host.StopAsync().WaitAsync(Log.Patience);
    }

    [Fact]
    public async Task A_hub_whose_thread_one_task_keeps_is_unhealthy_and_is_not_woken()
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // nothing keeps a stack there
        }

        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using IHost host = Build(
            services =>
            {
                services.AddHealthChecks().AddGreenHubs();
                services.AddGreenHosting(options => options.UnhealthyWhenBlockedFor = TimeSpan.FromMilliseconds(300));
            },
            ("Greenlets:Hubs:WarnWhenBlockedFor", "00:00:00.500"),
            ("Greenlets:Hubs:Size", "1"),
            ("Greenlets:Hubs:Name", "pinned"));
        await host.StartAsync();
        HealthCheckService health = host.Services.GetRequiredService<HealthCheckService>();
        GreenHubs hubs = host.Services.GetRequiredService<GreenHubs>();
        TaskCompletionSource pinned = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<int> run = hubs.Pool.RunAsync(() => LoadedType.Use(() =>
        {
            pinned.SetResult(); // to come here took time, and blocked the thread as well
            Hub.Await(release.Task);
        }));
        await pinned.Task.WaitAsync(Log.Patience);

        // Checks follow each other without a pause. The watchdog's report would not come if they woke the hub.
        HealthReport report = await WaitForAsync(health, HealthStatus.Unhealthy);
        Assert.Contains("pinned 0 has not turned for", report.Entries["greenlets"].Description, StringComparison.Ordinal);
        Task warned = _log.WaitForAsync("Warning", "pinned 0", "It still does: "); // as the watchdog says with what pins it
        while (!warned.IsCompleted)
        {
            report = await health.CheckHealthAsync();
            Assert.Equal(HealthStatus.Unhealthy, report.Status);
            await Task.Delay(1);
        }

        await warned;
        release.SetResult();
        Assert.Equal(42, await run);
        await WaitForAsync(health, HealthStatus.Healthy);
        await host.StopAsync().WaitAsync(Log.Patience);
    }

    [Fact]
    public async Task Many_short_slices_that_starve_a_hub_are_one_report()
    {
        using IHost host = Build(services => services.AddGreenHosting(options =>
        {
            options.Size = 1;
            options.WarnWhenBlockedFor = TimeSpan.FromMilliseconds(200);
        }));
        await host.StartAsync();
        GreenHubs hubs = host.Services.GetRequiredService<GreenHubs>();
        await hubs.Pool.RunAsync(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                Hub.Spawn(() =>
                {
                    for (int round = 0; round < 2; round++)
                    {
                        Thread.Sleep(10); // a second for each round of all
                        Hub.Yield();
                    }
                });
            }

            Hub.Sleep(TimeSpan.FromSeconds(3));
        });
        await _log.WaitForAsync("Warning", "hub 0 could not keep up");
        Assert.Single(_log.Lines, line => line.Contains("could not keep up", StringComparison.Ordinal));
        await host.StopAsync().WaitAsync(Log.Patience);
    }

    [Theory]
    [InlineData("Greenlets:Hubs:Hubs", "4", "Greenlets:Hubs:Hubs is no option. There are DeadlockPatience, DrainTime,")]
    [InlineData("Greenlets:Hubs:Size", "0", "Greenlets:Hubs:Size must be positive")]
    [InlineData("Greenlets:Hubs:WarnWhenBlockedFor", "00:00:00", "must be at least a millisecond")]
    [InlineData("Greenlets:TcpServers:echo:Port", "70000", "Greenlets:TcpServers:echo:Port must be from 0 to 65535; it is '70000'.")]
    [InlineData("Greenlets:TcpServers:echo:Address", "localhost", "must be an IP address")]
    [InlineData("Greenlets:TcpServers:echo:Prot", "7", "Greenlets:TcpServers:echo:Prot is no option.")]
    public async Task A_wrong_option_keeps_the_host_from_starting_and_is_named(string key, string value, string message)
    {
        using IHost host = Build(services => services.AddGreenTcpServer("echo", stream => stream.CopyTo(stream)), (key, value));
        OptionsValidationException failure = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_is_taken_is_named_with_the_option_to_set()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using IHost host = Build(services => services.AddGreenTcpServer("echo", stream => stream.CopyTo(stream), options => options.Port = port));
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());
        Assert.Contains($"The server 'echo' cannot listen at 127.0.0.1:{port}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Greenlets:TcpServers:echo:Address", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_servers_of_one_name_and_hubs_before_the_start_are_refused()
    {
        ServiceCollection services = [];
        services.AddGreenTcpServer("echo", stream => stream.CopyTo(stream));
        Assert.Throws<ArgumentException>(() => services.AddGreenTcpServer("echo", stream => stream.CopyTo(stream)));
        using IHost host = Build(each => each.AddGreenHosting());
        Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<GreenHubs>().Pool);
    }

    private static async Task<HealthReport> WaitForAsync(HealthCheckService health, HealthStatus status)
    {
        DateTime end = DateTime.UtcNow + Log.Patience;
        while (true)
        {
            HealthReport report = await health.CheckHealthAsync();
            if (report.Status == status)
            {
                return report;
            }

            Assert.True(DateTime.UtcNow < end, $"{report.Status}: {report.Entries["greenlets"].Description}");
            await Task.Delay(20);
        }
    }

    private static async Task<TcpClient> ConnectAsync(IHost host, string name)
    {
        TcpServerService server = host.Services.GetServices<IHostedService>().OfType<TcpServerService>().Single(each => each.Name == name);
        TcpClient client = new();
        await client.ConnectAsync(server.EndPoint!);
        return client;
    }

    private IHost Build(Action<IServiceCollection> configure, params (string Key, string Value)[] configuration)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(configuration.ToDictionary(pair => pair.Key, pair => (string?)pair.Value));
        builder.Logging.AddProvider(_log);
        configure(builder.Services);
        return builder.Build();
    }

    private sealed class Failing : IGreenService
    {
        public void Run(CancellationToken stopping) => throw new InvalidOperationException("on purpose");
    }

    private sealed class Resource : IAsyncDisposable
    {
        public bool IsDisposed { get; private set; }

        public async ValueTask DisposeAsync()
        {
            await Task.Delay(10);
            IsDisposed = true;
        }
    }

    private sealed class Handler(Resource resource, List<Resource> resources) : IGreenConnectionHandler
    {
        public void Handle(GreenStream connection)
        {
            lock (resources)
            {
                resources.Add(resource);
            }

            if (connection.ReadByte() == 1)
            {
                throw new InvalidDataException("byte 1");
            }
        }
    }
}
