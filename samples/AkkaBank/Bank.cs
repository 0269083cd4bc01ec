using System.Globalization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using NativeGreenlet.Akka;

namespace AkkaBank;

/// <summary>A node of the bank: an actor system in the cluster, which has its part of the accounts.</summary>
internal sealed class Bank
{
    public const int Nodes = 3;
    public const int Accounts = 1_000;
    public const long Opening = 100;

    private Bank(ActorSystem system, IActorRef accounts)
    {
        System = system;
        AllAccounts = accounts;
    }

    public ActorSystem System { get; }

    /// <summary>Gets the way to all accounts, here and elsewhere.</summary>
    public IActorRef AllAccounts { get; }

    /// <summary>Counts the nodes that can have accounts.</summary>
    public async Task<int> CountNodesAsync()
    {
        try
        {
            return (await AllAccounts.Ask<CurrentRegions>(GetCurrentRegions.Instance, TimeSpan.FromSeconds(2))).Regions.Count;
        }
        catch (AskTimeoutException)
        {
            return 0; // there is no coordinator yet
        }
    }

    /// <summary>Starts a node.</summary>
    /// <param name="seed">A node that it joins; null for the first.</param>
    public static Bank Start(string? seed)
    {
        ActorSystem system = ActorSystem.Create("bank", ConfigurationFactory.ParseString(
            """
            akka.loglevel = OFF # what a node reports when the others end would be between the lines
            akka.stdout-loglevel = OFF
            akka.coordinated-shutdown.run-by-clr-shutdown-hook = off # nobody takes over: all end
            akka.actor.provider = cluster
            akka.remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 }
            akka.cluster { gossip-interval = 200ms, leader-actions-interval = 200ms, periodic-tasks-initial-delay = 200ms, log-info = off }
            akka.cluster.sharding { retry-interval = 500ms, number-of-shards = 30 }
            """));
        Cluster cluster = Cluster.Get(system);
        cluster.Join(seed is null ? cluster.SelfAddress : Address.Parse(seed));
        IActorRef accounts = ClusterSharding.Get(system).Start(
            "accounts",
            Props.Create(() => new Account()).OnHubs(system), // the only line that is different
            ClusterShardingSettings.Create(system),
            HashCodeMessageExtractor.Create(30, message => ((IForAccount)message).Account.ToString(CultureInfo.InvariantCulture)));
        return new Bank(system, accounts);
    }
}
