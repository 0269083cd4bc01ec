namespace NativeGreenlet.Build;

/// <summary>Files of the repository.</summary>
internal static class RepositoryFiles
{
    private static readonly string[] s_settings = ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json"];
    private static readonly string[] s_places = ["src", "tests", "samples", "bench"];

    /// <summary>What a restore depends on.</summary>
    public static IEnumerable<FileInfo> Projects() =>
    [
        .. s_settings.Select(name => new FileInfo(name)),
        .. s_places.SelectMany(place => new DirectoryInfo(place).EnumerateFiles("*", SearchOption.AllDirectories))
            .Where(file => file.Extension is ".csproj" or ".props" or ".targets"),
    ];

    /// <summary>What the managed build depends on, and the folders, which change when a file goes.</summary>
    public static IEnumerable<FileSystemInfo> Sources() =>
    [
        .. s_settings.Select(name => new FileInfo(name)),
        .. s_places.Append("build").Append("native").SelectMany(place => new DirectoryInfo(place).EnumerateFileSystemInfos("*", SearchOption.AllDirectories)),
    ];

    /// <summary>The projects of tests, each with its folder.</summary>
    public static IEnumerable<string> TestProjects(string root = "") => Directory.EnumerateFiles(Path.Combine(root, "tests"), "*.csproj", SearchOption.AllDirectories)
        .Select(path => path.Replace('\\', '/'))
        .Where(path => File.ReadAllText(path).Contains("<IsTestProject>true</IsTestProject>", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);
}
