namespace NativeGreenlet.Cooperative.Tests.Architecture;

/// <summary>Each folder of the library knows those below it, none above. What remains otherwise is listed with its reason.</summary>
public class LayerTests
{
    // From below.
    private static readonly string[] s_layers = ["Interop", "Waiting", "Hubs", "Diagnostics", "Tasks", "Synchronization", "Groups", "IO", "Bridges"];

    // Which types of a higher folder a lower one may know; none named: all.
    private static readonly Dictionary<(string From, string To), string[]> s_exceptions = new()
    {
        // A wait ends by putting its task into the run queue of its hub, and who may end it is told by the hub's runs.
        [("Waiting", "Hubs")] = [],
        [("Waiting", "Tasks")] = ["GreenTask"],

        // The loop runs tasks, and a task belongs to a loop.
        [("Hubs", "Tasks")] = [],

        // The loop counts and writes events; what shows them asks hubs and names tasks.
        [("Hubs", "Diagnostics")] = [],
        [("Diagnostics", "Tasks")] = ["GreenTask"],

        // The text of a deadlock names the owner of a lock; tasks are handed out in the order in which they end.
        [("Hubs", "Synchronization")] = ["GreenLock", "GreenQueue"],

        // A pool of hubs runs so many items at a time on each.
        [("Hubs", "Groups")] = ["GreenPool"],

        // The loop waits for sockets where it waits for its bell.
        [("Hubs", "IO")] = ["Poller"],
    };

    [Fact]
    public void Each_folder_knows_only_those_below_it()
    {
        Dictionary<string, string> folders = AssemblyDependencies.Folders(Path.Combine(AppContext.BaseDirectory, "Repository", "Cooperative"));
        Assert.Equal(s_layers.Order(StringComparer.Ordinal), folders.Values.Distinct().Order(StringComparer.Ordinal));

        (string From, string To)[] upwards = [.. AssemblyDependencies.Read(typeof(Hub).Assembly.Location)
            .Where(pair => folders.ContainsKey(pair.From) && folders.ContainsKey(pair.To) && Layer(folders[pair.From]) < Layer(folders[pair.To]))];
        string[] unexpected = [.. upwards
            .Where(pair => !s_exceptions.TryGetValue((folders[pair.From], folders[pair.To]), out string[]? known) || (known.Length != 0 && !known.Contains(pair.To)))
            .Select(pair => $"{folders[pair.From]}: {pair.From} knows {pair.To} of {folders[pair.To]}")
            .Order(StringComparer.Ordinal)];
        (string, string)[] needless = [.. s_exceptions.Keys.Except(upwards.Select(pair => (folders[pair.From], folders[pair.To])))];

        Assert.True(unexpected.Length == 0, string.Join('\n', unexpected));
        Assert.Empty(needless);
    }

    private static int Layer(string folder) => Array.IndexOf(s_layers, folder);
}
