namespace NativeGreenlet.Build;

/// <summary>The managed projects: built and tested in Release.</summary>
internal static class Managed
{
    public const string Solution = "NativeGreenlet.sln";

    // Neither the build nor the compiler lives long enough for code to pay that is compiled again from its profile.
    private static readonly Shell.Variables s_shortLived = new() { ["DOTNET_TieredPGO"] = "0" };

    /// <summary>Builds a project or the solution, with what it needs.</summary>
    /// <param name="project">The project, or the solution.</param>
    /// <param name="analyzes">Whether the analyzers run. They take as long as the compiler; what was compiled without them is compiled
    /// again by the next build that has them (Directory.Build.targets).</param>
    public static void Build(string project, bool analyzes = true)
    {
        string[] restore = IsRestored(project) ? [] : ["-restore"];
        string[] alone = AreOthersBuilt(project) ? ["-p:BuildProjectReferences=false"] : [];
        string[] quick = analyzes ? [] : ["-p:RunAnalyzers=false"];
        Terminal.Say($"Managed build, Release: {project} (SDK {Surroundings.SdkVersion})");
        int code = Terminal.Watch(project, () => Shell.Run(
            "dotnet",
            ["msbuild", project, .. restore, .. alone, .. quick, "-p:Configuration=Release", "-nologo", "-verbosity:quiet", "-terminalLogger:off"],
            s_shortLived));
        if (code != 0)
        {
            throw new StopException($"{project} does not build");
        }
    }

    /// <summary>Builds a project with its assertions (<c>Debug.Assert</c>), and yet optimized: unoptimized code keeps what it has used
    /// alive, so tests of what is collected would fail. The analyzers have seen the same sources in Release.</summary>
    /// <returns>The file that it makes.</returns>
    public static string BuildWithAssertions(string name)
    {
        Terminal.Say($"Managed build, Debug and optimized: {name}");
        int code = Terminal.Watch(name, () => Shell.Run("dotnet",
            ["msbuild", $"tests/{name}/{name}.csproj", "-restore", "-p:Configuration=Debug", "-p:Optimize=true", "-p:RunAnalyzers=false", "-nologo", "-verbosity:quiet", "-terminalLogger:off"],
            s_shortLived));
        return code == 0 ? $"artifacts/bin/{name}/debug/{name}.dll" : throw new StopException($"{name} does not build with assertions");
    }

    /// <summary>The file that the build makes of a project.</summary>
    public static string Assembly(string name) => $"artifacts/bin/{name}/release/{name}.dll";

    /// <summary>Runs a program that was built.</summary>
    /// <returns>Its exit code.</returns>
    public static int Run(string name, IEnumerable<string> arguments, DotnetRuntime? runtime = null, Shell.Variables? variables = null) =>
        runtime is null
            ? Shell.Run("dotnet", [Assembly(name), .. arguments], variables)
            : Shell.Run(runtime.Host, ["exec", Assembly(name), .. arguments], runtime.Variables(variables));

    /// <summary>Runs a program that was built and finds faults by itself.</summary>
    /// <param name="title">What runs, for the reader.</param>
    /// <returns>Whether it passed; if not, the end of its output is in <see cref="FailedProgram.All"/>.</returns>
    public static bool Passes(string title, string name, IEnumerable<string> arguments, DotnetRuntime? runtime = null, Shell.Variables? variables = null) =>
        FailedProgram.Passes(title, hear => Shell.Follow(
            runtime?.Host ?? "dotnet",
            ["exec", Assembly(name), .. arguments],
            runtime?.Variables(variables) ?? variables,
            hear,
            () => false));

    /// <summary>Runs the programs of tests that were built, one after another, on this program's terminal.</summary>
    /// <param name="run">Which.</param>
    /// <param name="patience">How long one test may run.</param>
    /// <param name="needsTests">Whether it is a failure that a program has none.</param>
    /// <param name="arguments">More arguments for xunit's runner.</param>
    /// <returns>Whether all passed.</returns>
    public static bool Test(TestRun run, TimeSpan patience, bool needsTests, params string[] arguments)
    {
        bool passed = true;
        foreach (string assembly in run.Assemblies)
        {
            passed &= Program(run, assembly, needsTests).Run(Show, patience, arguments);
        }

        return passed;

        static void Show(string line)
        {
            if (!TestOutput.IsProgress(line))
            {
                Console.WriteLine(line);
            }
        }
    }

    /// <summary>The program of one assembly of a run.</summary>
    public static TestProgram Program(TestRun run, string assembly, bool needsTests = false) =>
        new(assembly, run.Filter, run.Results) { Runtime = run.Runtime, Variables = run.Variables, NeedsTests = needsTests };

    /// <summary>Runs <c>dotnet test</c> on an assembly, as editors do.</summary>
    /// <returns>Whether all passed.</returns>
    public static bool TestAsEditors(string assembly) => Shell.Run("dotnet", ["test", assembly, "--nologo", "--", "RunConfiguration.TreatNoTestsAsError=true"]) == 0;

    // When only the project itself has changed, the others need not be looked at.
    private static bool AreOthersBuilt(string project)
    {
        if (project == Solution || !IsRestored(project))
        {
            return false;
        }

        FileInfo built = new(Assembly(Path.GetFileNameWithoutExtension(project)));
        string own = Path.GetFullPath(Path.GetDirectoryName(project)!) + Path.DirectorySeparatorChar;
        return built.Exists && RepositoryFiles.Sources()
            .Where(file => !file.FullName.StartsWith(own, StringComparison.Ordinal))
            .All(file => file.LastWriteTimeUtc < built.LastWriteTimeUtc);
    }

    // A restore takes seconds, and does nothing unless a project or a package version has changed.
    private static bool IsRestored(string project)
    {
        if (project == Solution)
        {
            return false;
        }

        FileInfo assets = new($"artifacts/obj/{Path.GetFileNameWithoutExtension(project)}/project.assets.json");
        return assets.Exists && RepositoryFiles.Projects().All(file => file.LastWriteTimeUtc < assets.LastWriteTimeUtc);
    }
}
