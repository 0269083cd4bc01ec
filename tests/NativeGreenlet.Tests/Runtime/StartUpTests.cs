using NativeGreenlet.Common;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>What the first use of the library does to a program. How long it takes stands in
/// <see cref="GreenletRuntime.Description"/>, and in <c>docs/performance.md</c>.</summary>
public class StartUpTests
{
    [UnfrozenFact("the check at the first use collects")]
    public void It_forces_no_collection_and_loads_nothing_large()
    {
        // With room for all that it allocates, where the system does not tell how large the caches are, too.
        InChild.Result child = InChild.Run(Start, ("DOTNET_GCgen0size", "0x4000000"));

        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal("0 collections, loaded:", child.Output.Trim());
    }

    private static void Start()
    {
        int before = GC.CollectionCount(0);
        _ = GreenletRuntime.Backend;
        Greenlet greenlet = new(() => { });
        _ = greenlet.Switch();
        int collections = GC.CollectionCount(0) - before;

        // Each takes milliseconds, and each was loaded once by something that could do without.
        string[] large = ["System.Text.Json", "System.Linq", "System.Private.Xml", "System.Text.RegularExpressions"];
        string loaded = string.Empty;
        foreach (System.Reflection.Assembly assembly in AppDomain.CurrentDomain.GetAssemblies())
        {
            string name = assembly.GetName().Name!;
            loaded += Array.IndexOf(large, name) >= 0 ? $" {name}" : string.Empty;
        }

        Console.WriteLine($"{collections} collections, loaded:{loaded}");
    }
}
