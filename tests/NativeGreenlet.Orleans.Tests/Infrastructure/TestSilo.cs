using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NativeGreenlet.Common;
using Orleans.Configuration;
using Orleans.Hosting;

namespace NativeGreenlet.Orleans.Tests.Infrastructure;

/// <summary>A silo in this process, on ports that nobody uses.</summary>
public sealed class TestSilo : IAsyncLifetime
{
    private readonly Action<ISiloBuilder> _configure;
    private IHost? _host;

    public TestSilo()
        : this(static silo => silo.AddGreenlets(options => options.HubCount = 2))
    {
    }

    internal TestSilo(Action<ISiloBuilder> configure)
    {
        _configure = configure;
    }

    /// <summary>What no test should need more than.</summary>
    internal static TimeSpan Long => TimeSpan.FromSeconds(120);

    internal IServiceProvider Services => _host!.Services;

    internal IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    public async ValueTask InitializeAsync()
    {
        // Between the question and the silo's start another process may take a port.
        for (int attempt = 1; ; attempt++)
        {
            _host = Build();
            try
            {
                await _host.StartAsync();
                return;
            }
            catch (Exception exception) when (attempt < 5 && IsOfPort(exception))
            {
                _host.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is { } host)
        {
            _host = null;
            await host.StopAsync();
            host.Dispose();
        }
    }

    private static bool IsOfPort(Exception? exception) => exception is not null && (exception is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } || IsOfPort(exception.InnerException));

    private IHost Build()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = [] });
        builder.Logging.SetMinimumLevel(LogLevel.Critical);
        int[] ports = FreePorts.Find(2);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(ports[0], ports[1]);
            silo.UseInMemoryReminderService();
            silo.AddMemoryGrainStorageAsDefault();
            silo.AddMemoryGrainStorage("PubSubStore");
            silo.AddMemoryStreams("memory");
            silo.UseTransactions();
            silo.Configure<SiloMessagingOptions>(static options => options.ResponseTimeout = Long);
            _configure(silo);
        });
        return builder.Build();
    }
}
