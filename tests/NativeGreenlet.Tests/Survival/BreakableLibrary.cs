namespace NativeGreenlet.Tests.Survival;

/// <summary>The native library with faults that can be switched on (native/src/clr/breakage.c).</summary>
internal static class BreakableLibrary
{
    /// <summary>The environment variable that names the fault.</summary>
    public const string FaultVariable = "NATIVEGREENLET_BREAK";

    public static string Path
    {
        get
        {
            string name = OperatingSystem.IsWindows() ? "nativegreenlet_breakable.dll" : OperatingSystem.IsMacOS() ? "libnativegreenlet_breakable.dylib" : "libnativegreenlet_breakable.so";
            string path = System.IO.Path.Combine(AppContext.BaseDirectory, name);
            Assert.True(File.Exists(path), $"{name} is not beside the tests: build with ./build.sh (CMake option NG_BREAKABLE).");
            return path;
        }
    }
}
