using System.Diagnostics;
using NativeGreenlet.Common;

namespace NativeGreenlet.Tests.Publish;

/// <summary>What was compiled without the analyzers, as <c>test NAME</c> does, is compiled with them by the next build that has them: MSBuild
/// sees that the options have changed.</summary>
public sealed class NotAnalyzedTests : IDisposable
{
    private const string Faulty = "internal sealed class Program { private static void Main() => _ = new Program().Add(1); private int Add(int number) => number + 1; }";
    private const string Right = "internal sealed class Program { private static void Main() => Add(1); private static int Add(int number) => number + 1; }";
    private const string Rule = "CA1822"; // the method could be static

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("not-analyzed");

    [Fact]
    public void A_build_with_analyzers_follows_one_without()
    {
        Write("Directory.Build.props", "<Project />");
        Write("Directory.Build.targets", $"<Project><Import Project=\"{RepositoryRoot()}/Directory.Build.targets\" /></Project>");
        Write(".editorconfig", $"root = true\n\n[*.cs]\ndotnet_diagnostic.{Rule}.severity = error\n");
        Write("App.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <AnalysisMode>All</AnalysisMode>
              </PropertyGroup>
            </Project>
            """);
        Write("Program.cs", Faulty);
        (int code, string output) = Build("-p:RunAnalyzers=false");
        Assert.True(code == 0, output);

        (code, output) = Build();
        Assert.True(code != 0 && output.Contains(Rule, StringComparison.Ordinal), $"What was not analyzed is taken for good: {output}");

        Write("Program.cs", Right);
        (code, output) = Build("-p:RunAnalyzers=false");
        Assert.True(code == 0, output);
        (code, output) = Build();
        Assert.True(code == 0, output);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string RepositoryRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "NativeGreenlet.sln")))
        {
            directory = directory.Parent;
        }

        Assert.True(directory is not null, "the tests do not run inside the repository");
        return directory.FullName;
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder.FullName, file), text);

    private (int Code, string Output) Build(params string[] arguments)
    {
        ProcessStartInfo start = new(ProgramHost.Path, ["build", "-c", "Release", "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-tl:off", .. arguments])
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"A build still ran after {s_patience.TotalMinutes} minutes.");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult());
    }
}
