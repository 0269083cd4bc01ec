using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Cooperative.Tests.Faults;

/// <summary>Lets calls of the system fail (<c>fault.c</c>): in a child process that has the library preloaded.</summary>
internal static partial class SystemFaults
{
    public const string Variable = "NATIVEGREENLET_TEST_FAULTS";
    private const string Library = "fault";

    /// <summary>Compiles the library. Null where there is no compiler.</summary>
    public static string? TryCompile()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        string target = Path.Combine(Path.GetTempPath(), $"fault-{Environment.ProcessId}.so");
        try
        {
            using Process compiler = Process.Start("cc", ["-shared", "-fPIC", "-O1", "-o", target, Path.Combine(AppContext.BaseDirectory, "Faults", "fault.c"), "-ldl", "-lpthread"]);
            compiler.WaitForExit();
            Assert.Equal(0, compiler.ExitCode);
            return target;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>In the child: what the assembly calls in libc is the library's, too.</summary>
    public static void Install()
    {
        string path = Environment.GetEnvironmentVariable(Variable)!;
        NativeLibrary.SetDllImportResolver(typeof(Hub).Assembly, (name, _, _) => name == "libc" ? NativeLibrary.Load(path) : 0);
        NativeLibrary.SetDllImportResolver(typeof(SystemFaults).Assembly, (name, _, _) => name == Library ? NativeLibrary.Load(path) : 0);
    }

    /// <summary>Each so many-th call fails; 0 ends it. Returns how often it has failed.</summary>
    [LibraryImport(Library, EntryPoint = "fault_arm", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Arm(string name, int error, int every);

    /// <summary>No call of the current thread fails.</summary>
    [LibraryImport(Library, EntryPoint = "fault_spare_this_thread")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void SpareThisThread();
}
