using System.Globalization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Configuration;

namespace NativeGreenlet.Akka.Tests.Clusters;

/// <summary>A node in a process of its own: does what it is told on its standard input, a line each, and answers a line.</summary>
internal sealed class ClusterNode
{
    public const int Entities = 1_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly Cluster _cluster;
    private readonly IActorRef _entities;
    private volatile bool _isStormOver;
    private Task<Outcomes> _storm = Task.FromResult(new Outcomes());

    private ClusterNode(string? seed)
    {
        ActorSystem system = ActorSystem.Create("cluster", ConfigurationFactory.ParseString(
            """
            akka.loglevel = OFF
            akka.stdout-loglevel = OFF
            akka.actor.provider = cluster
            akka.remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 }
            akka.cluster { gossip-interval = 200ms, leader-actions-interval = 200ms, periodic-tasks-initial-delay = 200ms }
            akka.cluster.sharding { retry-interval = 500ms, number-of-shards = 60 }
            """));
        _cluster = Cluster.Get(system);
        _cluster.Join(seed is null ? _cluster.SelfAddress : Address.Parse(seed));
        _entities = ClusterSharding.Get(system).Start(
            "entities",
            Props.Create(() => new Entity()).OnHubs(system),
            ClusterShardingSettings.Create(system),
            HashCodeMessageExtractor.Create(60, message => ((Call)message).To.ToString(CultureInfo.InvariantCulture)));
    }

    public static void Run(string? seed)
    {
        ClusterNode node = new(seed);
        Console.WriteLine(node._cluster.SelfAddress.ToString());
        while (Console.ReadLine() is { } line)
        {
            Console.WriteLine(node.Answer(line.Split(' ')));
        }
    }

    private string Answer(string[] words)
    {
        switch (words[0])
        {
            case "nodes":
                int count = int.Parse(words[1], CultureInfo.InvariantCulture);
                while (CountNodes() != count)
                {
                    Thread.Sleep(100);
                }

                return "there";

            case "round":
                return Hub.RunAsync(Round).GetAwaiter().GetResult().ToString();

            case "storm":
                TaskCompletionSource begun = new();
                _storm = Hub.RunAsync(() => Storm(begun));
                begun.Task.Wait();
                return "begun";

            case "calm":
                _isStormOver = true;
                return _storm.GetAwaiter().GetResult().ToString();

            default:
                _cluster.Down(Address.Parse(words[1]));
                return "down";
        }
    }

    // Those that can have entities.
    private int CountNodes()
    {
        try
        {
            return _entities.Ask<CurrentRegions>(GetCurrentRegions.Instance, TimeSpan.FromSeconds(2)).GetAwaiter().GetResult().Regions.Count;
        }
        catch (AskTimeoutException)
        {
            return 0; // there is no coordinator yet
        }
    }

    private Outcomes Storm(TaskCompletionSource begun)
    {
        Outcomes all = new();
        while (!_isStormOver)
        {
            all.Add(Round());
            begun.TrySetResult();
        }

        return all;
    }

    // Calls each once.
    private Outcomes Round()
    {
        Outcomes outcomes = new();
        GreenPool pool = new(200);
        pool.ForEach(Enumerable.Range(0, Entities), number => outcomes.Count(() => _entities.AskGreen<Answered>(new Call(number, 2), s_limit)));
        return outcomes;
    }
}
