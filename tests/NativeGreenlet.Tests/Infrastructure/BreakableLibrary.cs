namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>The variant of the native library with faults that NATIVEGREENLET_BREAK switches on.</summary>
internal static class BreakableLibrary
{
    public const string FaultVariable = "NATIVEGREENLET_BREAK";

    /// <summary>Where it lies.</summary>
    public static string Path
    {
        get
        {
            string name = OperatingSystem.IsWindows() ? "libnativegreenlet_breakable.dll" : OperatingSystem.IsMacOS() ? "libnativegreenlet_breakable.dylib" : "libnativegreenlet_breakable.so";
            string path = System.IO.Path.Combine(AppContext.BaseDirectory, name);
            Assert.True(File.Exists(path), $"{name} is not beside the tests: build with ./build.sh (CMake option NG_BREAKABLE).");
            return path;
        }
    }
}
