using System.Runtime.InteropServices;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>The contract descriptor of the runtime that runs the tests.</summary>
internal static unsafe class RunningRuntime
{
    /// <summary>Its text.</summary>
    public static byte[] Json => new ReadOnlySpan<byte>(Header->Json, (int)Header->JsonSize).ToArray();

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
