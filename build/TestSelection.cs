using System.Text.RegularExpressions;

namespace NativeGreenlet.Build;

/// <summary>What <c>test NAME</c> names: found in the sources, so that nothing else is built.</summary>
/// <param name="Projects">The projects that have it.</param>
/// <param name="Filter">The filter of <c>dotnet test</c> for it.</param>
/// <param name="NativeTests">Names of ctest, as its -R takes them.</param>
internal sealed partial record TestSelection(string[] Projects, string? Filter, string[] NativeTests)
{
    private const string Tools = "Tools.Tests";

    private bool _needsServers;

    /// <summary>Whether each of the projects has one of the tests.</summary>
    public bool IsExact { get; private init; }

    /// <summary>The parts of check.sh that install what it needs.</summary>
    public string[] Installations =>
        [.. _needsServers ? ["servers"] : Array.Empty<string>(), .. Projects.Any(project => project.Contains(Tools, StringComparison.Ordinal)) ? ["debuggers"] : Array.Empty<string>()];

    /// <summary>Finds classes, methods and folders of tests, and C tests.</summary>
    /// <exception cref="StopException">There is no such test.</exception>
    public static TestSelection Of(IReadOnlyList<string> names, string root = "")
    {
        SourceFile[] sources = [.. SourceFile.All(root)];
        HashSet<string> projects = [];
        List<string> filters = [];
        List<string> native = [];
        bool needsServers = false;
        foreach (string name in names)
        {
            (SourceFile File, string Filter)[] found = [.. sources.SelectMany(source => source.Find(name).Select(filter => (source, filter)))];
            string[] ctests = [.. FindNative(name, root)];
            if (found.Length == 0 && ctests.Length == 0)
            {
                throw new StopException($"there is no test class, method or folder '{name}' in tests/, and no such C test in native/tests."
                    + " A filter is another way: --filter 'FullyQualifiedName~Part'.");
            }

            projects.UnionWith(found.Select(each => each.File.Project));
            filters.AddRange(found.Select(each => each.Filter));
            native.AddRange(ctests);
            needsServers |= found.Any(each => each.File.NeedsServers);
        }

        return new TestSelection([.. projects.Order(StringComparer.Ordinal)], filters.Count == 0 ? null : string.Join('|', filters.Distinct()), [.. native])
        {
            _needsServers = needsServers,
            IsExact = true,
        };
    }

    /// <summary>The projects that a filter of <c>dotnet test</c> is about, as far as its words can be found in sources; otherwise all.</summary>
    public static TestSelection OfFilter(string filter, string root = "")
    {
        SourceFile[] sources = [.. SourceFile.All(root)];
        HashSet<string> projects = [];
        bool needsServers = false;
        foreach (Match condition in Condition().Matches(filter))
        {
            string key = condition.Groups[1].Value;
            string value = condition.Groups[3].Value;
            // "is not" says nothing about where to look.
            SourceFile[] found = condition.Groups[2].Value.StartsWith('!') ? [] : [.. sources.Where(source => source.MayMatch(key, value))];
            if (found.Length == 0)
            {
                return new TestSelection([.. RepositoryFiles.TestProjects(root)], filter, []) { _needsServers = true };
            }

            projects.UnionWith(found.Select(each => each.Project));
            needsServers |= found.Any(each => each.NeedsServers);
        }

        return projects.Count == 0
            ? new TestSelection([.. RepositoryFiles.TestProjects(root)], filter, []) { _needsServers = true }
            : new TestSelection([.. projects.Order(StringComparer.Ordinal)], filter, []) { _needsServers = needsServers };
    }

    // test_segments: a file of tests; test_segments.name, or name alone: one of them.
    private static IEnumerable<string> FindNative(string name, string root) =>
        from file in Directory.EnumerateFiles(Path.Combine(root, "native", "tests"), "test_*.c")
        let program = Path.GetFileNameWithoutExtension(file)
        from pattern in File.ReadAllText(file) is var text && name == program
            ? [$"^{program}[.]"]
            : NativeTest().Matches(text).Select(match => match.Groups[1].Value).Where(test => name == test || name == $"{program}.{test}")
                .Select(test => $"^{program}[.].*{test}$")
        select pattern;

    [GeneratedRegex(@"([A-Za-z_]\w*)\s*(!?[~=])\s*([^&|()]+)")]
    private static partial Regex Condition();

    [GeneratedRegex(@"^TEST\((\w+)\)", RegexOptions.Multiline)]
    private static partial Regex NativeTest();

    private sealed partial record SourceFile(string Project, string Path, string Text)
    {
        private const string CommonTests = "common/tests"; // part of each project that says so

        public bool NeedsServers => Path.Contains("/Clients/", StringComparison.Ordinal);

        public static IEnumerable<SourceFile> All(string root) =>
            from project in RepositoryFiles.TestProjects(root)
            let own = Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(project)!, "*.cs", SearchOption.AllDirectories)
            let common = File.ReadAllText(project).Contains(CommonTests, StringComparison.Ordinal)
                ? Directory.EnumerateFiles(System.IO.Path.Combine(root, "tests", CommonTests), "*.cs") : []
            from file in own.Concat(common)
            select new SourceFile(project, file.Replace('\\', '/'), File.ReadAllText(file));

        /// <summary>The filters for the tests of this file that a name means: a class, a method, Class.Method, the last word of a
        /// namespace, or a namespace from its first word on, as the name of a project is.</summary>
        public List<string> Find(string name)
        {
            if (Namespace().Match(Text) is not { Success: true } space || !HasTests)
            {
                return [];
            }

            string prefix = space.Groups[1].Value;
            if (prefix == name || prefix.EndsWith($".{name}", StringComparison.Ordinal))
            {
                return [$"FullyQualifiedName~{prefix}."];
            }

            if (prefix.StartsWith($"{name}.", StringComparison.Ordinal))
            {
                return [$"FullyQualifiedName~{name}."];
            }

            List<string> filters = [];
            string type = "";
            foreach (Match declaration in Declaration().Matches(Text))
            {
                if (declaration.Groups[1].Success)
                {
                    type = declaration.Groups[1].Value;
                    if (Means($"{prefix}.{type}"))
                    {
                        filters.Add($"FullyQualifiedName~{prefix}.{type}.");
                    }
                }
                else if (Means($"{prefix}.{type}.{declaration.Groups[2].Value}"))
                {
                    filters.Add($"FullyQualifiedName={prefix}.{type}.{declaration.Groups[2].Value}");
                }
            }

            return filters;

            bool Means(string full) => full == name || full.EndsWith($".{name}", StringComparison.Ordinal);
        }

        /// <summary>Whether a test of this file may satisfy a condition of a filter.</summary>
        public bool MayMatch(string key, string value)
        {
            if (!HasTests)
            {
                return false;
            }

            string word = value.Trim().TrimEnd('.');
            return key is "FullyQualifiedName" or "Name" or "ClassName" or "DisplayName"
                ? Text.Contains(word[(word.LastIndexOf('.') + 1)..], StringComparison.Ordinal)
                : Text.Contains(key, StringComparison.Ordinal) && Regex.IsMatch(Text, $@"\b{Regex.Escape(word)}\b");
        }

        private bool HasTests => Text.Contains("Fact", StringComparison.Ordinal) || Text.Contains("[Theory", StringComparison.Ordinal);

        [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
        private static partial Regex Namespace();

        // A type, or a method that may be a test. One that is indented is nested, or a sample in a text.
        [GeneratedRegex(@"^(?:(?:[a-z]+ )*class (\w+)|    public (?:async )?(?:static )?(?:void|Task) (\w+)\()", RegexOptions.Multiline)]
        private static partial Regex Declaration();
    }
}
