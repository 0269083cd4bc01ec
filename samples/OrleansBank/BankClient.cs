using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace NativeGreenlet.OrleansBank;

/// <summary>Somebody who uses the bank from outside.</summary>
public sealed class BankClient : IAsyncDisposable
{
    private readonly IHost _host;

    private BankClient(IHost host)
    {
        _host = host;
    }

    private IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    /// <summary>Connects to a cluster.</summary>
    /// <param name="silos">Its silos.</param>
    /// <param name="database">Where it keeps its members; null for the memory of the silos.</param>
    public static async Task<BankClient> ConnectAsync(IReadOnlyList<SiloProcess> silos, string? database = null)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = [] });
        builder.Logging.SetMinimumLevel(LogLevel.Critical);
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering([.. silos.Select(static silo => new IPEndPoint(IPAddress.Loopback, silo.Gateway))]);
            if (database is not null)
            {
                client.Configure<ClusterOptions>(static options => options.ClusterId = options.ServiceId = "bank");
            }
        });
        IHost host = builder.Build();
        await host.StartAsync();
        return new BankClient(host);
    }

    /// <summary>Asks for a transfer once.</summary>
    /// <returns>Whether there was enough.</returns>
    public Task<bool> TransferOnceAsync(Guid transfer, long from, long to, long amount) => Grains.GetGrain<IDesk>(from % 16).Transfer(transfer, from, to, amount);

    /// <summary>Makes one transfer, and again until it has succeeded or there was not enough: silos may end meanwhile.</summary>
    /// <returns>How often it failed by an exception.</returns>
    public Task<int> TransferAsync(long from, long to, long amount) => TransferAsync(from, to, amount, Guid.NewGuid());

    /// <summary>Makes one transfer with a number, so it is made once, and again until it has succeeded or there was not enough: silos may end
    /// meanwhile.</summary>
    /// <returns>How often it failed by an exception.</returns>
    public async Task<int> TransferAsync(long from, long to, long amount, Guid transfer)
    {
        for (int failures = 0; ; failures++)
        {
            try
            {
                await TransferOnceAsync(transfer, from, to, amount);
                return failures;
            }
            catch (Exception exception) when (exception is OrleansException or TimeoutException && failures < 100)
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Adds up accounts, from 0 on.</summary>
    public async Task<long> GetTotalAsync(int accounts) => (await GetBalancesAsync(accounts)).Sum();

    /// <summary>Tells what accounts have, from 0 on.</summary>
    public Task<long[]> GetBalancesAsync(int accounts) =>
        Task.WhenAll(Enumerable.Range(0, accounts).Select(account => Grains.GetGrain<IAccount>(account).GetBalance()));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
