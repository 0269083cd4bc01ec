using System.Security.Cryptography;
using System.Text;

namespace NativeGreenlet.Build;

/// <summary><c>pack</c>: packages, with the native library of every platform that there is a compiler for.</summary>
internal static class PackVerb
{
    private static readonly string[] s_last =
    [
        "src/NativeGreenlet.Akka/NativeGreenlet.Akka.csproj",
        "src/NativeGreenlet.Analyzers.CodeFixes/NativeGreenlet.Analyzers.CodeFixes.csproj",
        "src/NativeGreenlet.AspNetCore/NativeGreenlet.AspNetCore.csproj",
        "src/NativeGreenlet.Hosting/NativeGreenlet.Hosting.csproj",
        "src/NativeGreenlet.Orleans/NativeGreenlet.Orleans.csproj",
        "src/NativeGreenlet.Polly/NativeGreenlet.Polly.csproj",
        "src/NativeGreenlet.Tool/NativeGreenlet.Tool.csproj",
        "src/NativeGreenlet.Weaving.Tool/NativeGreenlet.Weaving.Tool.csproj",
    ]; // which refer to the others
    private const string Packages = "artifacts/packages";
    private const string Ahead = "artifacts/ahead";
    private const string Templates = "templates/NativeGreenlet.Templates.csproj";

    private static readonly (string Rid, string Compiler, string Option)[] s_cross =
    [
        ("linux-arm64", "aarch64-linux-gnu-gcc", "CMAKE_TOOLCHAIN_FILE=native/cmake/aarch64-linux-gnu.cmake"),
        ("linux-musl-x64", "musl-gcc", "CMAKE_C_COMPILER=musl-gcc"),
        ("win-x64", "x86_64-w64-mingw32-gcc", "CMAKE_TOOLCHAIN_FILE=native/cmake/mingw-w64.cmake"),
    ];

    public static int Run(IReadOnlyList<string> arguments)
    {
        Toolchain.Current.Need();
        Native.BuildLibrary();
        if (Surroundings.Rid == "linux-x64")
        {
            foreach ((string rid, string compiler, string option) in s_cross)
            {
                Cross(rid, compiler, option);
            }
        }

        // What is packed twice is the same twice: files in a package get the time of the commit.
        if (Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH") is not { Length: > 0 } && Shell.Has("git")
            && Shell.Capture("git", "log", "-1", "--format=%ct") is (0, { Length: > 0 } time))
        {
            Environment.SetEnvironmentVariable("SOURCE_DATE_EPOCH", time);
        }

        string[] versions = VersionOptions();

        // All anew: what was compiled here before has the paths of this machine in it, which makes it another file.
        Terminal.Say($"Managed build, Release, for packages (SDK {Surroundings.SdkVersion})");
        foreach (string last in s_last)
        {
            Shell.Require("dotnet",
            [
                "msbuild", last, "-restore", "-t:Rebuild", "-p:Configuration=Release", "-p:ContinuousIntegrationBuild=true", "-nologo", "-verbosity:quiet",
                "-terminalLogger:off", .. versions, .. arguments,
            ]);
        }

        string[] ahead = CompileAhead();
        if (Directory.Exists(Packages))
        {
            Directory.Delete(Packages, recursive: true);
        }

        foreach (string project in Directory.EnumerateFiles("src", "*.csproj", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (project.Contains("Analyzers", StringComparison.Ordinal))
            {
                continue; // in the package NativeGreenlet
            }

            Terminal.Say($"Package: {Path.GetFileNameWithoutExtension(project)}");
            Shell.Require("dotnet",
                ["pack", project, "-c", "Release", "--no-build", "--nologo", "--tl:off", "-v", "quiet", "-p:ContinuousIntegrationBuild=true", .. versions, .. ahead, .. arguments]);
        }

        Terminal.Say("Package: NativeGreenlet.Templates");
        Shell.Require("dotnet", ["pack", Templates, "-c", "Release", "--nologo", "--tl:off", "-v", "quiet", "-p:ContinuousIntegrationBuild=true", .. versions, .. arguments]);

        Terminal.Say($"Done: {Packages}");
        return 0;
    }

    /// <summary>Compiles what programs refer to ahead of time, for this platform, where that is done, and gives the options by which packages get it.</summary>
    private static string[] CompileAhead()
    {
        if (Directory.Exists(Ahead))
        {
            Directory.Delete(Ahead, recursive: true);
        }

        if (Surroundings.Rid != "linux-x64")
        {
            return [];
        }

        Terminal.Say($"Compiling ahead of time, for {Surroundings.Rid}");
        foreach (string api in Directory.EnumerateFiles("src", "PublicApi.txt", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(Path.GetDirectoryName(api)!);
            Shell.Require("dotnet",
            [
                "msbuild", "build/ahead/Ahead.csproj", "-restore", "-t:CompileAhead", $"-p:From={Surroundings.Root}/artifacts/bin/{name}/release/{name}.dll",
                $"-p:To={Surroundings.Root}/{Ahead}/{Surroundings.Rid}/{name}.dll", "-nologo", "-verbosity:quiet", "-terminalLogger:off",
            ]);
        }

        return [$"-p:NativeGreenletAheadRid={Surroundings.Rid}"];
    }

    /// <summary>Options by which packages get their version from git: the tag, or how many commits after it; and a sign of what is not
    /// committed. Without git, it is that of the sources.</summary>
    private static string[] VersionOptions()
    {
        if (!Shell.Has("git") || Shell.Capture("git", "rev-parse", "HEAD").Code != 0)
        {
            return [];
        }

        (_, string changes) = Shell.Capture("git", "status", "--porcelain");
        if (changes.Trim().Length == 0)
        {
            return ["-p:NativeGreenletVersionFromTags=true"];
        }

        (_, string difference) = Shell.Capture("git", "diff", "HEAD");
        StringBuilder all = new(changes + difference);
        foreach (string file in Shell.Capture("git", "ls-files", "--others", "--exclude-standard").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            all.Append(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file.Trim()))));
        }

        string sign = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString())))[..8];
        return ["-p:NativeGreenletVersionFromTags=true", $"-p:NativeGreenletUncommitted=changed.x{sign}"];
    }

    // The library for another platform, if there is a compiler for it.
    private static void Cross(string rid, string compiler, string option)
    {
        if (!Shell.Has(compiler))
        {
            Terminal.Say($"Not in the package: {rid} ({compiler} is missing)");
            return;
        }

        Terminal.Say($"Native library, Release ({rid})");
        string tree = $"artifacts/platforms/{rid}/pack";
        string[] configure =
        [
            "-S", ".", "-B", tree, "-D", "CMAKE_BUILD_TYPE=Release", "-D", "NG_BUILD_TESTS=OFF",
            "-D", $"NG_PUBLISH_DIR={Surroundings.Root}/artifacts/native/{rid}", "-D", option,
        ];
        if (!Shell.Logged($"pack-{rid}", "cmake", configure) || !Shell.Logged($"pack-{rid}", "cmake", ["--build", tree]))
        {
            throw new StopException($"the library for {rid} does not build");
        }
    }
}
