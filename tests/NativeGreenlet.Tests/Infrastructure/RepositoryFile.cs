namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Files of the repository that tests read; the build copies them beside the tests.</summary>
internal static class RepositoryFile
{
    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Repository", name);
}
