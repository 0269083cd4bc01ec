using System.Reflection;
using System.Runtime.CompilerServices;
using NativeGreenlet.Akka;
using NativeGreenlet.AspNetCore;
using NativeGreenlet.Hosting;
using NativeGreenlet.Orleans;
using NativeGreenlet.Polly;
using NativeGreenlet.Weaving;
using PublicApiGenerator;

namespace NativeGreenlet.AspNetCore.Tests.PublicApi;

/// <summary>What the assemblies offer is what is recorded beside their sources, so that nobody changes it without seeing it. The
/// tests of this project know all of them.</summary>
public class PublicApiTests
{
    public static TheoryData<Assembly> Assemblies =>
        [
            typeof(Greenlet).Assembly, typeof(Hub).Assembly, typeof(GreenRequestOptions).Assembly, typeof(GreenHubs).Assembly, typeof(GreenResilience).Assembly,
            typeof(RunOnGreenletsAttribute).Assembly, typeof(GreenletTwinAttribute).Assembly, typeof(GreenActors).Assembly,
        ];

    [Theory]
    [MemberData(nameof(Assemblies), DisableDiscoveryEnumeration = true)]
    public void The_public_interface_is_as_recorded(Assembly assembly)
    {
        string name = assembly.GetName().Name!;
        ApiGeneratorOptions options = new()
        {
            IncludeAssemblyAttributes = false,
            DenyNamespacePrefixes = [], // extension methods are in namespaces of Microsoft's
            ExcludeAttributes = [typeof(SkipLocalsInitAttribute).FullName!], // how it is compiled, which is nobody's concern
        };
        string found = assembly.GeneratePublicApi(options).ReplaceLineEndings("\n").TrimEnd() + "\n";
        string record = Path.Combine(AppContext.BaseDirectory, "PublicApi", name, "PublicApi.txt");
        string recorded = File.Exists(record) ? File.ReadAllText(record).ReplaceLineEndings("\n") : string.Empty;
        if (found == recorded)
        {
            return;
        }

        string file = Path.Combine(AppContext.BaseDirectory, $"{name}.PublicApi.txt");
        File.WriteAllText(file, found);
        string[] gone = [.. recorded.Split('\n').Except(found.Split('\n'))];
        string[] added = [.. found.Split('\n').Except(recorded.Split('\n'))];
        Assert.Fail($"Gone or changed:\n{string.Join('\n', gone)}\nNew:\n{string.Join('\n', added)}\nIf it is meant, copy {file} to src/{name}/PublicApi.txt.");
    }
}
