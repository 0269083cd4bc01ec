using NativeGreenlet.Akka.Tests.Clusters;

namespace NativeGreenlet.Akka.Tests.Infrastructure;

/// <summary>The entry point of child processes; the test runner does not use it. A child is a node of a cluster.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        ClusterNode.Run(arguments is [var seed] ? seed : null);
        return 0;
    }
}
