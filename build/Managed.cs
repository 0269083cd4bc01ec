namespace NativeGreenlet.Build;

/// <summary>The managed projects: built and tested in Release.</summary>
internal static class Managed
{
    public const string Solution = "NativeGreenlet.sln";

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
            "dotnet", ["msbuild", project, .. restore, .. alone, .. quick, "-p:Configuration=Release", "-nologo", "-verbosity:quiet", "-terminalLogger:off"]));
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
            ["msbuild", $"tests/{name}/{name}.csproj", "-restore", "-p:Configuration=Debug", "-p:Optimize=true", "-p:RunAnalyzers=false", "-nologo", "-verbosity:quiet", "-terminalLogger:off"]));
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

    /// <summary>Runs <c>dotnet test</c> on projects that were built, or on the solution. Its closing lines are the runner's.</summary>
    /// <param name="subjects">Assemblies, or the solution.</param>
    /// <param name="filter">Which tests; null: all.</param>
    /// <returns>Whether all passed.</returns>
    public static bool Test(
        string[] subjects, string? filter, DotnetRuntime? runtime, Shell.Variables? variables, string results = TestResults.Directory, params string[] arguments) =>
        Shell.Run("dotnet", TestArguments(subjects, filter, runtime, results, arguments), variables) == 0;

    /// <summary>The same, with the output in a file until it has ended: several may run at a time. Then shows the
    /// closing lines; all lines, if a test failed.</summary>
    public static bool TestApart(
        string name, string[] subjects, string? filter, DotnetRuntime? runtime, Shell.Variables? variables, string results, params string[] arguments)
    {
        string path = Shell.PathOfLog(name);
        int code = Shell.RunInto(path, "dotnet", TestArguments(subjects, filter, runtime, results, arguments), variables);
        Terminal.SayEnd(name, code, path, File.ReadLines(path).Where(line => code != 0 || line.StartsWith("Passed!", StringComparison.Ordinal)));
        return code == 0;
    }

    private static string[] TestArguments(string[] subjects, string? filter, DotnetRuntime? runtime, string results, string[] arguments)
    {
        string[] solution = subjects is [Solution] ? ["--configuration", "Release", "--no-build", "--tl:off"] : [];
        string[] which = filter is null ? [] : ["--filter", filter];
        string[] settings = runtime is null ? [] : ["--settings", runtime.WriteTestSettings()];
        return ["test", .. subjects, .. solution, "--nologo", "--logger", "trx", "--results-directory", results, .. settings, .. which, .. arguments];
    }

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
