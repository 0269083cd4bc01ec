using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace NativeGreenlet.LiveView;

/// <summary>What the user sees.</summary>
internal static class Screen
{
    private const int FramesOfAGroup = 8;

    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };
    private static readonly JsonSerializerOptions s_line = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>Writes something as JSON: over several lines, or on one.</summary>
    public static void WriteJson<T>(T value, bool onOneLine = false) => Console.WriteLine(JsonSerializer.Serialize(value, onOneLine ? s_line : s_json));

    /// <summary>Writes a dump.</summary>
    public static void Write(Snapshot snapshot, int mostGroups)
    {
        AnsiConsole.Write(new Rule(Markup.Escape($"{snapshot.Source}: {Count(snapshot.Tasks.Count, "greenlet")}, {Count(snapshot.Groups.Count, "place")}")).LeftJustified());
        if (snapshot.Hubs.Count != 0)
        {
            AnsiConsole.Write(Hubs(snapshot.Hubs, null));
        }

        foreach (HubView hub in snapshot.Hubs.Where(hub => hub.State == "blocked"))
        {
            Tree blocked = new(new Markup($"[red bold]{Markup.Escape(hub.Name)} is blocked[/] by {Markup.Escape(hub.Current ?? "a callback")}"));
            AddFrames(blocked, hub.Stack ?? ["Its stack could not be had."]);
            AnsiConsole.Write(blocked);
        }

        foreach (GroupView group in snapshot.Groups.Take(mostGroups))
        {
            string names = group.Names.Count == 0 ? "" : $" [grey]({Markup.Escape(string.Join(", ", group.Names))}{(group.Names.Count < group.Count ? ", ..." : "")})[/]";
            string waits = group.WaitsFor is { } what ? $" for {Markup.Escape(what)}, the longest {Span(group.LongestSeconds)}" : "";
            Tree tree = new(new Markup($"[bold blue]{group.Count}[/] × {Markup.Escape(group.State)}{waits}{names}"));
            AddFrames(tree, group.Stack);
            AnsiConsole.Write(tree);
        }

        if (snapshot.Groups.Count > mostGroups)
        {
            AnsiConsole.MarkupLineInterpolated($"[grey]... and {snapshot.Groups.Count - mostGroups} more places: --groups {snapshot.Groups.Count}, or --json[/]");
        }
    }

    /// <summary>A table of hubs.</summary>
    public static Table Hubs(IReadOnlyList<HubView> hubs, Func<HubView, double>? switchesASecond)
    {
        Table table = new Table().Border(TableBorder.Rounded).AddColumns("hub", "thread");
        foreach (string figure in new[] { "tasks", "ready", switchesASecond is null ? "switches" : "switches/s" })
        {
            table.AddColumn(new TableColumn(figure).RightAligned());
        }

        table.AddColumns("state", "runs");
        foreach (HubView hub in hubs)
        {
            string state = hub.State == "blocked" ? "[red bold]blocked[/]" : hub.State;
            double switches = switchesASecond?.Invoke(hub) ?? hub.Switches;
            table.AddRow(
                Markup.Escape(hub.Name),
                $"{hub.Thread}",
                Number(hub.Tasks),
                Number(hub.Ready),
                Number(switches),
                state,
                Markup.Escape(hub.Current ?? ""));
        }

        return table;
    }

    /// <summary>A table of the tasks that have waited longest.</summary>
    public static IRenderable Oldest(IReadOnlyList<TaskView> tasks, int count)
    {
        Table table = new Table().Border(TableBorder.Rounded).Title("waits longest").AddColumns("hub", "task", "name", "waits for", "since");
        foreach (TaskView task in tasks.OrderByDescending(task => task.Seconds).Take(count))
        {
            table.AddRow(Markup.Escape(task.Hub), $"{task.Id}", Markup.Escape(task.Name ?? ""), Markup.Escape(task.WaitsFor ?? ""), Span(task.Seconds));
        }

        return table;
    }

    /// <summary>A time for people.</summary>
    public static string Span(double seconds) => seconds switch
    {
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1000:F0} ms"),
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{TimeSpan.FromSeconds(Math.Floor(seconds)):c}"),
    };

    private static string Number(double number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Count(int count, string noun) => $"{Number(count)} {noun}{(count == 1 ? "" : "s")}";

    private static void AddFrames(Tree tree, IReadOnlyList<string> frames)
    {
        string[] interesting = [.. Frames.Interesting(frames)];
        foreach (string frame in interesting.Take(FramesOfAGroup))
        {
            tree.AddNode(Markup.Escape(Frames.Short(frame)));
        }

        if (interesting.Length > FramesOfAGroup)
        {
            tree.AddNode($"[grey]... {interesting.Length - FramesOfAGroup} more[/]");
        }
    }
}
