using System.Net;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NativeGreenlet.Orleans;
using Orleans.Configuration;

namespace NativeGreenlet.OrleansBank;

/// <summary>One silo of the bank, in a process of its own.</summary>
internal static class BankSilo
{
    private const string Postgres = "Npgsql";

    /// <summary>Runs one until standard input ends.</summary>
    /// <param name="port">Where other silos find it.</param>
    /// <param name="gateway">Where clients do.</param>
    /// <param name="primary">The port of the silo that knows who belongs to the cluster, if that is no database.</param>
    /// <param name="database">Where members and accounts are kept; null for the memory of the silos.</param>
    public static async Task RunAsync(int port, int gateway, int primary, string? database)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = [] });
        builder.Logging.SetMinimumLevel(LogLevel.Critical);
        builder.UseOrleans(silo =>
        {
            silo.AddGreenlets();
            if (database is null)
            {
                silo.UseLocalhostClustering(port, gateway, port == primary ? null : new IPEndPoint(IPAddress.Loopback, primary));
                silo.AddMemoryGrainStorageAsDefault();
            }
            else
            {
                silo.Configure<ClusterOptions>(static options => options.ClusterId = options.ServiceId = "bank");
                silo.ConfigureEndpoints(IPAddress.Loopback, port, gateway);
                silo.UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (Postgres, database));
                silo.AddAdoNetGrainStorageAsDefault(options => (options.Invariant, options.ConnectionString) = (Postgres, database));
            }

            // One that is gone is noticed within seconds.
            silo.Configure<ClusterMembershipOptions>(static options =>
            {
                options.ProbeTimeout = TimeSpan.FromSeconds(1);
                options.TableRefreshTimeout = TimeSpan.FromSeconds(2);
                options.NumMissedProbesLimit = 2;
            });
        });
        using IHost host = builder.Build();
        await host.StartAsync();
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        await host.StopAsync();
    }
}
