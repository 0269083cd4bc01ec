using System.Text.RegularExpressions;

namespace NativeGreenlet.Build;

/// <summary>
/// A released runtime, or a preview, of another version than the SDK's: laid out below artifacts/runtimes/VERSION from the packages
/// that a self-contained program takes its runtime from. No SDK of that version is needed, and the build stays the SDK's: only what
/// runs on the runtime gets it.
/// </summary>
internal sealed partial class DotnetRuntime
{
    /// <summary>The variable that tells tests and programs which runtime they must find themselves on.</summary>
    public const string ExpectationVariable = "NATIVEGREENLET_TEST_RUNTIME";

    /// <summary>What <c>test full</c> runs on besides the SDK's own runtime: the newest patch of 10.0, and the next release.</summary>
    public static readonly string[] Tested = ["10.0.15", "11.0.0"];

    private const int OldestMajor = 10;
    private const string Core = "Microsoft.NETCore.App";
    private const string Web = "Microsoft.AspNetCore.App";

    private DotnetRuntime(string version)
    {
        Version = version;
        Directory = Path.Combine(Surroundings.Root, "artifacts", "runtimes", version);
    }

    public string Version { get; }

    /// <summary>What runs programs on it, as <c>host exec program.dll</c>.</summary>
    public string Host => Path.Combine(Directory, HostName);

    private static string HostName => OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";

    private string Directory { get; }

    /// <summary>Lays a runtime out, unless that is done.</summary>
    /// <exception cref="StopException">It is no version, or none that is served.</exception>
    public static DotnetRuntime Get(string version)
    {
        if (VersionText().Match(version) is not { Success: true } match)
        {
            throw new StopException($"'{version}' is no version of a .NET runtime. One looks like {string.Join(" or ", Tested)} or 12.0.0-preview.1.26080.101.");
        }

        if (match.Groups[1].ValueSpan is not { Length: < 4 } major || int.Parse(major, null) < OldestMajor)
        {
            throw new StopException($"NativeGreenlet needs .NET {OldestMajor} or a later one, and not {version}.");
        }

        DotnetRuntime runtime = new(version);
        if (!File.Exists(runtime.Host))
        {
            Terminal.Say($"Laying out .NET {version} in artifacts/runtimes/{version}");
            runtime.LayOut();
        }

        return runtime;
    }

    /// <summary>The variables of a process on it, whose children run on it, too.</summary>
    /// <param name="others">More variables; they win.</param>
    public Shell.Variables Variables(Shell.Variables? others = null)
    {
        Shell.Variables variables = new()
        {
            ["DOTNET_ROOT"] = Directory,
            ["DOTNET_HOST_PATH"] = Host,
            // What is built for .NET 10 otherwise refuses a later one. There is no other to be found.
            ["DOTNET_ROLL_FORWARD"] = "LatestMajor",
            ["DOTNET_ROLL_FORWARD_TO_PRERELEASE"] = "1",
            [ExpectationVariable] = Version,
        };
        foreach ((string name, string? value) in others ?? [])
        {
            variables[name] = value;
        }

        return variables;
    }

    private void LayOut()
    {
        string rid = Surroundings.Rid;
        string work = Directory + ".new"; // what is half done is not taken for whole
        if (System.IO.Directory.Exists(work))
        {
            System.IO.Directory.Delete(work, recursive: true);
        }

        string packages = Restore(Path.Combine(work, "restore"), rid);
        string core = Make(work, "shared", Core, Version);
        string web = Make(work, "shared", Web, Version);
        string resolver = Make(work, "host", "fxr", Version);
        Copy(Path.Combine(packages, $"{Core}.Runtime.{rid}".ToLowerInvariant(), Version, "runtimes", rid), core);
        Copy(Path.Combine(packages, $"{Web}.Runtime.{rid}".ToLowerInvariant(), Version, "runtimes", rid), web);
        string hostfxr = System.IO.Directory.EnumerateFiles(core, "*hostfxr.*").Single();
        File.Move(hostfxr, Path.Combine(resolver, Path.GetFileName(hostfxr)));
        // The one of the SDK: it finds host/fxr beside itself, and does for every version.
        FileInfo own = new(Environment.ProcessPath!);
        File.Copy(own.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? own.FullName, Path.Combine(work, HostName));
        string createdump = Path.Combine(core, "createdump");
        if (!OperatingSystem.IsWindows() && File.Exists(createdump))
        {
            File.SetUnixFileMode(createdump, File.GetUnixFileMode(createdump) | UnixFileMode.UserExecute);
        }

        if (System.IO.Directory.Exists(Directory))
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }

        System.IO.Directory.Move(work, Directory);
    }

    // Returns the folder that packages lie in.
    private string Restore(string directory, string rid)
    {
        _ = System.IO.Directory.CreateDirectory(directory);
        string project = Path.Combine(directory, "restore.csproj");
        File.WriteAllText(project, $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net{Environment.Version.Major}.0</TargetFramework>
                <UseArtifactsOutput>false</UseArtifactsOutput>
              </PropertyGroup>
              <ItemGroup>
                <PackageDownload Include="{Core}.Runtime.{rid}" Version="[{Version}]" />
                <PackageDownload Include="{Web}.Runtime.{rid}" Version="[{Version}]" />
              </ItemGroup>
            </Project>

            """);
        foreach (string name in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" })
        {
            File.WriteAllText(Path.Combine(directory, name), "<Project />\n"); // not the repository's
        }

        string log = $"runtime-{Version}";
        if (!Shell.Logged(log, "dotnet", ["restore", project, "--verbosity", "quiet"], showsEnd: false))
        {
            string text = File.ReadAllText($"artifacts/log/{log}.log");
            bool isUnknown = text.Contains("NU1102", StringComparison.Ordinal) || text.Contains("NU1101", StringComparison.Ordinal);
            string nearest = Nearest().Match(text) is { Success: true } match ? $" The nearest that is there: {match.Groups[1].Value}." : "";
            throw new StopException(isUnknown
                ? $"there is no .NET runtime {Version} for {rid} in this machine's package sources ({Core}.Runtime.{rid}).{nearest}"
                : $"the packages of .NET {Version} could not be had: artifacts/log/{log}.log");
        }

        (int code, string folder) = Shell.Capture("dotnet", "msbuild", project, "-getProperty:NuGetPackageRoot");
        return code == 0 && folder.Length != 0 ? folder : throw new StopException("where packages lie on this machine could not be found");
    }

    private static string Make(params string[] parts) => System.IO.Directory.CreateDirectory(Path.Combine(parts)).FullName;

    private static void Copy(string pack, string target)
    {
        string[] sources = [Path.Combine(pack, "native"), .. System.IO.Directory.GetDirectories(Path.Combine(pack, "lib"), "net*")];
        foreach (string file in sources.Where(System.IO.Directory.Exists).SelectMany(System.IO.Directory.EnumerateFiles))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        }
    }

    [GeneratedRegex(@"^(\d+)\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")]
    private static partial Regex VersionText();

    [GeneratedRegex(@"Nearest version: ([0-9A-Za-z.-]+[0-9A-Za-z])")]
    private static partial Regex Nearest();
}
