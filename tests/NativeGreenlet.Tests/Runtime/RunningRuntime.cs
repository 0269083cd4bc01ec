using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>The contract descriptor of the runtime that runs the tests.</summary>
internal static unsafe class RunningRuntime
{
    /// <summary>Its text.</summary>
    public static byte[] Json => new ReadOnlySpan<byte>(Header->Json, (int)Header->JsonSize).ToArray();

    /// <summary>Whether its contracts have names for versions, as since .NET 11; else numbers.</summary>
    public static bool HasNamedVersions { get; } = JsonNode.Parse(Json)!["version"]!.GetValue<int>() == 2;

    /// <summary>A version of a contract, as it is written.</summary>
    public static string Version(int number) => HasNamedVersions ? $"c{number}" : $"{number}";

    private static ContractDescriptor.Header* Header
    {
        get
        {
            string directory = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
            string name = OperatingSystem.IsWindows() ? "coreclr.dll" : OperatingSystem.IsMacOS() ? "libcoreclr.dylib" : "libcoreclr.so";
            nint runtime = NativeLibrary.Load(Path.Combine(directory, name));
            return (ContractDescriptor.Header*)NativeLibrary.GetExport(runtime, "DotNetRuntimeContractDescriptor");
        }
    }
}
