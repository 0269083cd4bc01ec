using NativeGreenlet.Akka.Tests.Clusters;
using Xunit.Runner.InProc.SystemConsole;

namespace NativeGreenlet.Akka.Tests.Infrastructure;

/// <summary>Runs the tests; or, as a child process, a node of a cluster.</summary>
internal static class Program
{
    /// <summary>The first argument of a child process; another may be the node to join.</summary>
    public const string Node = "node";

    private static int Main(string[] arguments)
    {
        if (arguments is not [Node, ..])
        {
            return ConsoleRunner.Run(arguments).GetAwaiter().GetResult();
        }

        ClusterNode.Run(arguments.ElementAtOrDefault(1));
        return 0;
    }
}
