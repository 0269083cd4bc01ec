using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Runtime;

/// <summary>Finds the runtime that this process runs on and its contract descriptor.</summary>
internal static unsafe class CoreClr
{
    /// <summary>The name under which the runtime exports its contract descriptor.</summary>
    public const string DescriptorExport = "DotNetRuntimeContractDescriptor";

    /// <summary>Where the descriptor of the running runtime lies; null if it has none.</summary>
    public static ContractDescriptor.Header* FindDescriptor()
    {
        foreach (nint module in Candidates())
        {
            if (NativeLibrary.TryGetExport(module, DescriptorExport, out nint address))
            {
                return (ContractDescriptor.Header*)address;
            }
        }

        return null;
    }

    private static IEnumerable<nint> Candidates()
    {
        string name = OperatingSystem.IsWindows() ? "coreclr.dll" : OperatingSystem.IsMacOS() ? "libcoreclr.dylib" : "libcoreclr.so";

        // Framework-dependent and self-contained programs: beside the core library. A library that is loaded already is
        // not loaded a second time.
        if (CoreLibraryDirectory() is { } directory && TryLoad(directory, name, out nint runtime))
        {
            yield return runtime;
        }

        // Single-file programs have the runtime linked in, or beside them.
        yield return NativeLibrary.GetMainProgramHandle();
        if (TryLoad(AppContext.BaseDirectory, name, out nint beside))
        {
            yield return beside;
        }
    }

    private static bool TryLoad(string directory, string name, out nint handle)
    {
        handle = 0;
        string path = Path.Combine(directory, name);
        return File.Exists(path) && NativeLibrary.TryLoad(path, out handle);
    }

    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "Empty in a single-file program, which is then looked at in another way.")]
    private static string? CoreLibraryDirectory()
    {
        string? directory = Path.GetDirectoryName(typeof(object).Assembly.Location);
        return string.IsNullOrEmpty(directory) ? null : directory;
    }
}
