namespace NativeGreenlet.LiveView;

/// <summary>A hub as it was seen.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Thread">The managed id of its thread.</param>
/// <param name="SystemThread">What the system calls that; 0 if it is not known.</param>
/// <param name="Tasks">Tasks that have not ended.</param>
/// <param name="Ready">Tasks that can go on.</param>
/// <param name="Switches">Tasks and callbacks continued so far.</param>
/// <param name="State">asleep, turns or blocked.</param>
/// <param name="Current">The task that ran.</param>
/// <param name="Stack">Where a blocked one is, innermost first.</param>
internal sealed record HubView(string Name, int Thread, int SystemThread, int Tasks, int Ready, long Switches, string State, string? Current, IReadOnlyList<string>? Stack = null);

/// <summary>How many greenlets a process has, in hubs and elsewhere.</summary>
/// <param name="Live">Those that have begun and not ended.</param>
/// <param name="Suspended">Those of them that are suspended.</param>
/// <param name="Frozen">Those of them that are frozen.</param>
internal sealed record GreenletCounts(long Live, long Suspended, long Frozen);

/// <summary>A task, or a greenlet that is none, as it was seen.</summary>
/// <param name="Hub">The name of its hub, or of its thread if that has none.</param>
/// <param name="Id">Its number.</param>
/// <param name="Name">Its name.</param>
/// <param name="State">What it does.</param>
/// <param name="WaitsFor">What it waits for.</param>
/// <param name="Seconds">Since when, in seconds.</param>
/// <param name="Stack">Where it is, innermost first.</param>
/// <param name="Spawned">Where it was spawned.</param>
/// <param name="SystemThread">What the system calls its thread, if that has no hub; 0 if it is not known.</param>
internal sealed record TaskView(string Hub, long Id, string? Name, string State, string? WaitsFor, double Seconds, IReadOnlyList<string> Stack, IReadOnlyList<string> Spawned, int SystemThread = 0);

/// <summary>Tasks, or greenlets, that are at the same place.</summary>
/// <param name="Count">How many.</param>
/// <param name="State">What they do.</param>
/// <param name="WaitsFor">What the first of them waits for.</param>
/// <param name="LongestSeconds">Since when the one that has waited longest does.</param>
/// <param name="Names">The names of some.</param>
/// <param name="Stack">Where they are, innermost first.</param>
internal sealed record GroupView(int Count, string State, string? WaitsFor, double LongestSeconds, IReadOnlyList<string> Names, IReadOnlyList<string> Stack);

/// <summary>All that a dump has.</summary>
/// <param name="Source">The process or the file.</param>
/// <param name="Hubs">The hubs.</param>
/// <param name="Groups">Tasks by place, the largest group first.</param>
/// <param name="Tasks">All tasks.</param>
internal sealed record Snapshot(string Source, IReadOnlyList<HubView> Hubs, IReadOnlyList<GroupView> Groups, IReadOnlyList<TaskView> Tasks)
{
    private const int MostNames = 5;

    /// <summary>Makes one of hubs and tasks.</summary>
    public static Snapshot Of(string source, IReadOnlyList<HubView> hubs, IReadOnlyList<TaskView> tasks)
    {
        IEnumerable<GroupView> groups = tasks.GroupBy(task => (task.State, Place: string.Join('\n', task.Stack)), (_, same) =>
        {
            TaskView[] all = [.. same];
            return new GroupView(
                all.Length,
                all[0].State,
                all[0].WaitsFor,
                all.Max(task => task.Seconds),
                [.. all.Select(task => task.Name).OfType<string>().Distinct().Take(MostNames)],
                all[0].Stack);
        });
        return new Snapshot(source, hubs, [.. groups.OrderByDescending(group => group.Count).ThenByDescending(group => group.LongestSeconds)], tasks);
    }
}
