using System.Runtime.InteropServices;

namespace NativeGreenlet.Tools.Tests.Infrastructure;

/// <summary>The runtime's data access library, which ClrMD loads into the process that asks.</summary>
internal static class DataAccessLibrary
{
    private static readonly Lazy<nint> s_handle = new(Load);

    /// <summary>Holds it until the process ends. ClrMD unloads it with each <c>ClrRuntime</c>, but it has registered a
    /// destructor for the threads that were in it: the next of them to end, a worker that was idle for 20 seconds, would
    /// call what is no longer there, and take the test host along.</summary>
    public static void KeepLoaded() => _ = s_handle.Value;

    private static nint Load()
    {
        string name = OperatingSystem.IsWindows() ? "mscordaccore.dll" : OperatingSystem.IsMacOS() ? "libmscordaccore.dylib" : "libmscordaccore.so";
        return NativeLibrary.Load(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), name));
    }
}
