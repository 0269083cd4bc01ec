using System.Text.RegularExpressions;

namespace NativeGreenlet.Build;

/// <summary><c>bench</c>: BenchmarkDotNet's benchmarks, or one of the comparisons that are programs of their own.</summary>
internal static partial class BenchVerb
{
    private const string Program = "NativeGreenlet.Benchmarks";
    private const string Artifacts = "artifacts/benchmarks";

    public static int Run(IReadOnlyList<string> words, string? version)
    {
        DotnetRuntime? runtime = version is null ? null : DotnetRuntime.Get(version);
        string kind = words.Count == 0 ? "" : words[0];
        string[] rest = [.. words.Skip(1)];
        if (runtime is not null && kind is "native" or "peers" or "strategies" or "servers" or "blocking")
        {
            throw new StopException($"bench {kind} runs on the SDK's runtime only.");
        }

        return kind switch
        {
            "native" => RunNative(rest),
            "peers" => RunPeers(kind, rest),
            "strategies" => RunScript(kind, "compares segments with slices, which Windows has not", "bench/strategies/NativeGreenlet.Strategies.csproj",
                [Shell.Has("python3") ? "python3" : throw new StopException("bench strategies needs python3"), "bench/strategies/run.py", .. rest]),
            "servers" => RunScript(kind, "needs Linux, for the load and for what is measured", "bench/servers/dotnet/NativeGreenlet.Servers.csproj", ["bench/servers/run.sh", .. rest]),
            "blocking" => RunScript(kind, "needs Linux, for what is measured", "bench/blocking/dotnet/NativeGreenlet.Blocking.csproj", ["bench/blocking/run.sh", .. rest]),
            "engines" => RunEngine(rest, runtime),
            _ => RunBenchmarks(kind == "tables", kind == "tables" ? rest : [.. words], runtime),
        };
    }

    private static int RunNative(string[] arguments)
    {
        Toolchain.Current.Need();
        if (!OperatingSystem.IsWindows())
        {
            return Shell.Run("bench/native/run.sh", arguments);
        }

        const string Tree = "artifacts/bench/native";
        Shell.Require("cmake", ["-S", "bench/native", "-B", Tree]);
        Shell.Require("cmake", ["--build", Tree, "--config", "Release", "--target", "switches"]);
        return Shell.Run(Directory.EnumerateFiles(Tree, "switches.exe", SearchOption.AllDirectories).First(), arguments);
    }

    // .NET 11 is a peer, too: with its asynchronous methods that the runtime suspends.
    private static int RunPeers(string kind, string[] arguments)
    {
        const string RuntimeAsync = "bench/peers/runtime-async/NativeGreenlet.Peer.RuntimeAsync.csproj";
        try
        {
            _ = DotnetRuntime.Get("11.0.0");
            Toolchain.Current.Need();
            Native.BuildLibrary();
            Managed.Build(RuntimeAsync);
        }
        catch (StopException exception)
        {
            Terminal.Say($"Without .NET 11: {exception.Message}");
        }

        return RunScript(kind, "takes the other languages from Debian", "bench/peers/dotnet/NativeGreenlet.Peer.csproj", ["bench/peers/run.sh", .. arguments]);
    }

    private static int RunScript(string kind, string why, string project, string[] command)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new StopException($"bench {kind} {why}: run ./build.sh bench {kind} on Linux, or in WSL");
        }

        Toolchain.Current.Need();
        Native.BuildLibrary();
        Managed.Build(project);
        return Shell.Run(command[0], command[1..]);
    }

    // Actors in blocking style against the engine's own.
    private static int RunEngine(string[] words, DotnetRuntime? runtime)
    {
        string name = words switch
        {
            ["akka", ..] => "Akka",
            ["orleans", ..] => "Orleans",
            _ => throw new StopException("bench engines akka, or bench engines orleans"),
        };
        Toolchain.Current.Need();
        Native.BuildLibrary();
        string program = $"NativeGreenlet.Engines.{name}";
        Managed.Build($"bench/engines/{words[0]}/{program}.csproj");
        return Managed.Run(program, words[1..], runtime);
    }

    private static int RunBenchmarks(bool isTables, string[] arguments, DotnetRuntime? runtime)
    {
        Toolchain.Current.Need();
        Native.BuildLibrary();
        Managed.Build($"bench/{Program}/{Program}.csproj");
        Terminal.Say("Benchmarks");
        if (!isTables)
        {
            return Managed.Run(Program, ["--artifacts", Artifacts, .. arguments], runtime);
        }

        if (Directory.Exists($"{Artifacts}/results"))
        {
            Directory.Delete($"{Artifacts}/results", recursive: true);
        }

        int code = Managed.Run(Program, ["--artifacts", Artifacts, "--job", "short", .. arguments], runtime);
        if (code == 0)
        {
            WriteTables("bench/results/benchmarks.md");
        }

        return code;
    }

    // All tables in one document.
    private static void WriteTables(string document)
    {
        List<string> lines =
        [
            "# Benchmarks", "",
            "Written by `./build.sh bench tables`: a few short iterations each, so mind the error. A dash for what is allocated",
            "stands for 0 bytes.", "",
        ];
        bool isMachineSaid = false;
        foreach (string file in Directory.EnumerateFiles($"{Artifacts}/results", "*-report-github.md").Order(StringComparer.Ordinal))
        {
            string[] report = File.ReadAllLines(file);
            if (!isMachineSaid)
            {
                // What the machine is comes first in each of them, as code.
                int begin = Array.FindIndex(report, IsFence);
                lines.AddRange(report[begin..(Array.FindIndex(report, begin + 1, IsFence) + 1)]);
                isMachineSaid = true;
            }

            string name = Path.GetFileName(file).Replace("-report-github.md", "", StringComparison.Ordinal);
            name = name[(name.LastIndexOf('.') + 1)..];
            lines.AddRange(["", $"## {(name.EndsWith("Benchmarks", StringComparison.Ordinal) ? name[..^"Benchmarks".Length] : name)}", ""]);
            // The quotes around a method's description go, what it has inside stays.
            lines.AddRange(report.Where(line => line.StartsWith('|'))
                .Select(line => EndOfDescription().Replace(line.StartsWith("| &#39;", StringComparison.Ordinal) ? $"| {line[7..]}" : line, " |", 1)
                    .Replace("&#39;", "'", StringComparison.Ordinal)));
        }

        File.WriteAllText(document, string.Join('\n', lines) + "\n");
        Terminal.Say($"Wrote {document}");

        static bool IsFence(string line) => line.StartsWith("```", StringComparison.Ordinal);
    }

    [GeneratedRegex("&#39; *\\|")]
    private static partial Regex EndOfDescription();
}
