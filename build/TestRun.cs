namespace NativeGreenlet.Build;

/// <summary>A run of test assemblies: which tests, on which runtime, with which variables.</summary>
/// <param name="Name">What to call it; its results and its log have this name.</param>
/// <param name="Subjects">Assemblies, or the solution.</param>
/// <param name="Filter">Which tests; null: all.</param>
/// <param name="Runtime">The runtime to run on; null: the SDK's.</param>
/// <param name="Variables">Variables of the tests' processes.</param>
internal sealed record TestRun(string Name, string[] Subjects, string? Filter, DotnetRuntime? Runtime = null, Shell.Variables? Variables = null)
{
    /// <summary>The directory of its result files.</summary>
    public string Results => $"{TestResults.Directory}/{Name}";

    /// <summary>The files of its test programs.</summary>
    public IEnumerable<string> Assemblies =>
        Subjects is [Managed.Solution] ? RepositoryFiles.TestProjects().Select(project => Managed.Assembly(Path.GetFileNameWithoutExtension(project))) : Subjects;

    /// <summary>Runs the tests on this program's terminal, one assembly after another.</summary>
    /// <param name="needsTests">Whether it is a failure that there are none.</param>
    /// <returns>Whether all passed.</returns>
    public bool Run(bool needsTests = false) => Managed.Test(this, TestProgram.Patience, needsTests);

    /// <summary>The same for one assembly with the output in a file, so that several may run at a time. Then shows the closing lines;
    /// all lines, if a test failed.</summary>
    /// <returns>Whether all passed.</returns>
    public bool RunApart()
    {
        string path = Shell.PathOfLog(Name);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        bool passed;
        using (StreamWriter log = new(path))
        {
            passed = Managed.Program(this, Subjects.Single()).Run(log.WriteLine, TestProgram.Patience);
        }

        Terminal.SayEnd(Name, passed, path, File.ReadLines(path).Where(line => passed ? TestOutput.IsClosing(line) : !TestOutput.IsProgress(line)));
        return passed;
    }

    /// <summary>The same tests, a run for each assembly that the filter does not leave out as a whole.</summary>
    public IEnumerable<TestRun> PerAssembly() =>
        from assembly in Assemblies
        let name = Path.GetFileNameWithoutExtension(assembly)
        where Filter is null || !Filter.Contains($"!~{name["NativeGreenlet".Length..]}.", StringComparison.Ordinal)
        select this with { Name = $"{Name}, {name}", Subjects = [assembly] };
}
