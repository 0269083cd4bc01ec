using System.Text.RegularExpressions;

namespace NativeGreenlet.Build;

/// <summary>CMake and a C compiler: found, or installed where that takes no question.</summary>
internal abstract partial class Toolchain
{
    private static readonly Version s_oldestCMake = new(3, 20);

    /// <summary>That of this machine.</summary>
    public static Toolchain Current { get; } = OperatingSystem.IsWindows() ? new WindowsToolchain() : new UnixToolchain();

    /// <summary>The version of the CMake that is on PATH.</summary>
    public static string CMakeVersion =>
        Shell.Has("cmake") && Shell.Capture("cmake", "--version") is (0, { } text) && VersionNumber().Match(text) is { Success: true } match ? match.Value : "";

    protected static bool IsCMakeRecent => Version.TryParse(CMakeVersion, out Version? version) && version >= s_oldestCMake;

    /// <summary>Sees to it that both are there.</summary>
    /// <exception cref="StopException">They are not; the message says what to type.</exception>
    public abstract void Need();

    [GeneratedRegex(@"\d+\.\d+(\.\d+)?")]
    private static partial Regex VersionNumber();
}
