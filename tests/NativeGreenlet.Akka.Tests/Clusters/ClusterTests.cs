using System.Diagnostics;

namespace NativeGreenlet.Akka.Tests.Clusters;

/// <summary>Real clusters: three processes on the loopback interface.</summary>
public class ClusterTests(ITestOutputHelper output)
{
    [Fact]
    public void A_thousand_entities_call_each_other_while_a_node_is_killed_and_no_call_hangs()
    {
        using NodeProcess first = new();
        using NodeProcess second = new(first.Address);
        using NodeProcess third = new(first.Address);
        first.Tell("nodes 3");

        Outcomes before = WholeRound(first);
        Assert.Equal(3, before.Nodes);
        Assert.Equal("begun", first.Tell("storm"));
        Assert.Equal("begun", second.Tell("storm"));

        third.Kill();
        Thread.Sleep(TimeSpan.FromSeconds(2)); // calls go to it, and are lost
        first.Tell("down " + third.Address);
        first.Tell("nodes 2");

        foreach (NodeProcess node in (NodeProcess[])[first, second])
        {
            Outcomes storm = Outcomes.Parse(node.Tell("calm")); // which comes when all calls have ended
            output.WriteLine($"{storm.Begun} calls, {storm.Answers} answers, {storm.Timeouts} timeouts");
            Assert.Equal("none", storm.Other);
            Assert.Equal(storm.Begun, storm.Answers + storm.Timeouts);
            Assert.True(storm.Answers > 0);
        }

        Assert.Equal(2, WholeRound(second).Nodes); // what was on the third lives on the others by now
    }

    // A round in which all have answered: after a change they do, some time.
    private static Outcomes WholeRound(NodeProcess node)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Outcomes outcomes;
        do
        {
            outcomes = Outcomes.Parse(node.Tell("round"));
            Assert.Equal("none", outcomes.Other);
        }
        while (outcomes.Answers < ClusterNode.Entities && watch.Elapsed < TimeSpan.FromMinutes(5));
        Assert.Equal(ClusterNode.Entities, outcomes.Answers);
        return outcomes;
    }
}
