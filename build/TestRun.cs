namespace NativeGreenlet.Build;

/// <summary>A run of test assemblies: which tests, on which runtime, with which variables.</summary>
/// <param name="Name">What to call it; its results and its log have this name.</param>
/// <param name="Subjects">Assemblies, or the solution.</param>
/// <param name="Filter">Which tests.</param>
/// <param name="Runtime">The runtime to run on; null: the SDK's.</param>
/// <param name="Variables">Variables of the tests' processes.</param>
internal sealed record TestRun(string Name, string[] Subjects, string Filter, DotnetRuntime? Runtime = null, Shell.Variables? Variables = null)
{
    private static readonly string[] s_patience = ["--blame-hang-timeout", "15m", "--blame-hang-dump-type", "none"];

    /// <summary>The directory of its result files.</summary>
    public string Results => $"{TestResults.Directory}/{Name}";

    /// <summary>Runs the tests on this program's terminal.</summary>
    /// <param name="arguments">More arguments for <c>dotnet test</c>.</param>
    /// <returns>Whether all passed.</returns>
    public bool Run(params string[] arguments) => Managed.Test(Subjects, Filter, Runtime, Variables, Results, [.. s_patience, .. arguments]);

    /// <summary>The same with the output in a file, so that several may run at a time.</summary>
    /// <returns>Whether all passed.</returns>
    public bool RunApart() => Managed.TestApart(Name, Subjects, Filter, Runtime, Variables, Results, s_patience);

    /// <summary>The same tests, a run for each assembly that the filter does not leave out as a whole.</summary>
    public IEnumerable<TestRun> PerAssembly() =>
        from assembly in Subjects is [Managed.Solution] ? RepositoryFiles.TestProjects().Select(project => Managed.Assembly(Path.GetFileNameWithoutExtension(project))) : Subjects
        let name = Path.GetFileNameWithoutExtension(assembly)
        where !Filter.Contains($"!~{name["NativeGreenlet".Length..]}.", StringComparison.Ordinal)
        select this with { Name = $"{Name}, {name}", Subjects = [assembly] };
}
