using System.Text.RegularExpressions;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Interop;

/// <summary>Which files of the C library know which others.</summary>
public class NativeSourceTests
{
    private static readonly Regex s_comment = new(@"/\*.*?\*/|//[^\n]*", RegexOptions.Singleline);
    private static readonly Regex s_include = new(@"^#\s*include ""(?<name>[^""]+)""", RegexOptions.Multiline);
    private static readonly Regex s_definition = new(@"^(?!static|typedef|extern|#)[\w \*]*?\b(?<name>ng_\w+)\([^;{]*\)\s*\{", RegexOptions.Multiline);
    private static readonly Regex s_name = new(@"\bng_\w+");

    // What is used by programs that know nothing of .NET.
    private static readonly string[] s_grounds = ["context/", "stacks/", "coroutine/", "slices/"];

    private static readonly string s_root = RepositoryFile.Path("native");
    private static readonly Dictionary<string, string> s_texts = Directory.EnumerateFiles(s_root, "*.*", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetRelativePath(s_root, file).Replace('\\', '/'), file => s_comment.Replace(File.ReadAllText(file), " "));

    [Fact]
    public void Contexts_and_stacks_include_nothing_of_the_part_for_the_runtime()
    {
        string[] grounds = [.. s_texts.Keys.Where(file => s_grounds.Any(folder => file.StartsWith(folder, StringComparison.Ordinal)))];
        Assert.NotEmpty(grounds);
        Assert.Equal([], grounds.Where(file => Reach(file, Included).Any(other => other.StartsWith("clr/", StringComparison.Ordinal))));
    }

    [Fact]
    public void No_file_includes_itself_by_way_of_others() =>
        Assert.Equal([], s_texts.Keys.Where(file => Reach(file, Included).Contains(file)));

    [Fact]
    public void No_source_file_calls_itself_by_way_of_others()
    {
        Dictionary<string, string> owners = [];
        foreach ((string file, string text) in s_texts.Where(pair => IsSource(pair.Key)))
        {
            foreach (Match definition in s_definition.Matches(text))
            {
                _ = owners.TryAdd(definition.Groups["name"].Value, file);
            }
        }

        Assert.True(owners.Count > 100, "definitions are not recognized");
        Dictionary<string, string[]> called = s_texts.Keys.Where(IsSource).ToDictionary(file => file, file => s_name.Matches(s_texts[file])
            .Select(name => owners.GetValueOrDefault(name.Value, file))
            .Where(owner => owner != file)
            .Distinct()
            .ToArray());
        Assert.Equal([], called.Keys.Where(file => Reach(file, each => called[each]).Contains(file)));
    }

    // Those of another system, processor or tool, or of a test-only library, define the same names again.
    private static bool IsSource(string file) => file.EndsWith(".c", StringComparison.Ordinal) && !file.EndsWith("_windows.c", StringComparison.Ordinal) && !file.Contains("/arch/", StringComparison.Ordinal);

    private static IEnumerable<string> Included(string file) => s_include.Matches(s_texts[file])
        .Select(include => Path.GetRelativePath(s_root, Path.GetFullPath(Path.Combine(s_root, Path.GetDirectoryName(file)!, include.Groups["name"].Value))).Replace('\\', '/'))
        .Where(s_texts.ContainsKey);

    // All that a file leads to, itself only if it leads there.
    private static HashSet<string> Reach(string file, Func<string, IEnumerable<string>> next)
    {
        HashSet<string> found = [];
        Stack<string> open = new([file]);
        while (open.TryPop(out string? at))
        {
            foreach (string other in next(at).Where(found.Add))
            {
                open.Push(other);
            }
        }

        return found;
    }
}
