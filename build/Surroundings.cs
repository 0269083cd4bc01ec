using System.Reflection;

namespace NativeGreenlet.Build;

/// <summary>The repository, the machine, and the environment variables that every child process gets.</summary>
internal static class Surroundings
{
    /// <summary>The script that the user typed.</summary>
    public static string Script => OperatingSystem.IsWindows() ? "build.ps1" : "build.sh";

    public static bool IsContinuousIntegration => Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>The name of this platform, as the managed build has it (NativeGreenlet.Native.props).</summary>
    public static string Rid => Environment.GetEnvironmentVariable("NativeGreenletRid") is { Length: > 0 } named ? named : Metadata("NativeGreenletRid");

    /// <summary>The SDK that built this program; it builds everything else, too.</summary>
    public static string SdkVersion => Metadata("SdkVersion");

    /// <summary>The root of the repository.</summary>
    public static string Root => Directory.GetCurrentDirectory();

    public static void Prepare()
    {
        if (!File.Exists("NativeGreenlet.sln"))
        {
            throw new StopException("start it in the root of the repository.");
        }

        Set("DOTNET_NOLOGO", "1");
        Set("DOTNET_CLI_TELEMETRY_OPTOUT", "1");
        Set("DOTNET_GENERATE_ASPNET_CERTIFICATE", "false");
        if (IsContinuousIntegration)
        {
            // Leave no build server behind: it would outlive the run.
            Set("MSBUILDDISABLENODEREUSE", "1");
            Set("DOTNET_CLI_USE_MSBUILD_SERVER", "0");
            Set("UseSharedCompilation", "false");
        }

        static void Set(string name, string value) => Environment.SetEnvironmentVariable(name, value);
    }

    private static string Metadata(string key) => typeof(Surroundings).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(attribute => attribute.Key == key).Value!;
}
