namespace NativeGreenlet.Build;

/// <summary>The C library.</summary>
internal static class Native
{
    public const string Release = "Release";
    public const string Debug = "Debug";

    private const string Publish = "nativegreenlet_publish";

    /// <summary>Builds everything: both libraries, the test variant, and the tests where they are built. Visual C++ does not compile
    /// them (native/CMakeLists.txt), MinGW does (NG_GENERATOR).</summary>
    public static void Build(string configuration)
    {
        string tests = OperatingSystem.IsWindows() ? "" : "-DNG_BUILD_TESTS=ON;";
        string strict = Surroundings.IsContinuousIntegration ? "ON" : "OFF"; // whether a warning of the C compiler is an error
        Build(configuration, $"OPTIONS={tests}-DNG_BREAKABLE=ON;-DNG_WERROR={strict}");
    }

    /// <summary>Builds only the library that the managed build takes.</summary>
    public static void BuildLibrary() => Build(Release, $"TARGET={Publish}");

    /// <summary>Builds everything in Release unless it is newer than every C file.</summary>
    public static void BuildIfOld()
    {
        FileInfo stamp = new($"artifacts/native/{Surroundings.Rid}/nativegreenlet.stamp");
        bool isNew = stamp.Exists && Directory.Exists($"artifacts/native/{Release}")
            && new DirectoryInfo("native").EnumerateFiles("*", SearchOption.AllDirectories).All(file => file.LastWriteTimeUtc < stamp.LastWriteTimeUtc)
            && File.GetLastWriteTimeUtc("CMakeLists.txt") < stamp.LastWriteTimeUtc;
        if (!isNew)
        {
            Toolchain.Current.Need();
            Build(Release);
        }
    }

    /// <summary>Runs ctest.</summary>
    /// <returns>Whether all passed.</returns>
    public static bool Test(string configuration, params string[] arguments) =>
        Shell.Run("ctest", [.. TestArguments(configuration), .. arguments]) == 0;

    /// <summary>The same with the output in a file, so that other tests may run beside it. Then shows the closing lines; all lines, if a
    /// test failed.</summary>
    public static bool TestApart(string configuration)
    {
        string name = $"C tests, {configuration}";
        string path = Shell.PathOfLog(name);
        int code = Shell.RunInto(path, "ctest", TestArguments(configuration));
        Terminal.SayEnd(name, code == 0, path, File.ReadLines(path).Where(line => code != 0 || line.Contains("tests passed", StringComparison.Ordinal)));
        return code == 0;
    }

    private static string[] TestArguments(string configuration) =>
    [
        "--test-dir", $"artifacts/native/{configuration}", "-C", configuration, "--output-on-failure",
        .. OperatingSystem.IsWindows() ? [] : new[] { "--no-tests=error" },
        "--timeout", "600", "--parallel", $"{Environment.ProcessorCount}",
    ];

    private static void Build(string configuration, string what)
    {
        Terminal.Say($"Native library, {configuration} (cmake {Toolchain.CMakeVersion}, {Surroundings.Rid})");
        Shell.Require("cmake",
            ["-D", $"RID={Surroundings.Rid}", "-D", $"CONFIG={configuration}", "-D", what, "-P", "src/NativeGreenlet/build/BuildNative.cmake"]);
    }
}
