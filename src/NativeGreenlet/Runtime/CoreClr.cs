using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Runtime;

/// <summary>Finds the runtime that this process runs on and its contract descriptor.</summary>
internal static unsafe class CoreClr
{
    private const string Export = "DotNetRuntimeContractDescriptor";

    /// <summary>Reads the descriptor of the running runtime.</summary>
    /// <exception cref="UnsupportedRuntimeException">There is none.</exception>
    public static ContractDescriptor ReadDescriptor()
    {
        if (nint.Size != 8)
        {
            throw new UnsupportedRuntimeException("it is a 32-bit process");
        }

        foreach (nint module in Candidates())
        {
            if (NativeLibrary.TryGetExport(module, Export, out nint address))
            {
                return ContractDescriptor.Read((ContractDescriptor.Header*)address);
            }
        }

        throw new UnsupportedRuntimeException($"it exports no '{Export}' (NativeAOT, Mono, or .NET 8 and earlier)");
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
