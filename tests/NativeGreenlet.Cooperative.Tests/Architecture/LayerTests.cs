namespace NativeGreenlet.Cooperative.Tests.Architecture;

/// <summary>Each folder of the library knows those below it, none above. What is otherwise is listed with its reason, and nothing else
/// is.</summary>
public class LayerTests
{
    // From below.
    private static readonly string[] s_layers = ["Interop", "Waiting", "Hubs", "Diagnostics", "Tasks", "Synchronization", "IO"];

    private static readonly Dictionary<string, string> s_exceptions = new()
    {
    };

    [Fact]
    public void Each_folder_knows_only_those_below_it()
    {
        Dictionary<string, string> folders = AssemblyDependencies.Folders(Path.Combine(AppContext.BaseDirectory, "Repository", "Cooperative"));
        string[] upwards = [.. AssemblyDependencies.Read(typeof(Hub).Assembly.Location)
            .Where(pair => folders.ContainsKey(pair.From) && folders.ContainsKey(pair.To))
            .Where(pair => Array.IndexOf(s_layers, folders[pair.From]) < Array.IndexOf(s_layers, folders[pair.To]))
            .Select(pair => $"{folders[pair.From]}.{pair.From} -> {folders[pair.To]}.{pair.To}")
            .Order(StringComparer.Ordinal)];

        Assert.True(folders.Count > 80, "the source was not found beside the tests");
        Assert.Equal("", string.Join('\n', upwards.Except(s_exceptions.Keys).Select(each => $"new: {each}").Concat(s_exceptions.Keys.Except(upwards).Select(each => $"gone: {each}"))));
    }
}
