using System.Diagnostics;
using Spectre.Console;

namespace NativeGreenlet.LiveView;

/// <summary>Figures of a process, again and again.</summary>
internal sealed class Top(int process, int rounds, bool isJson, bool isPicture)
{
    private const int OldestTasks = 10;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Dictionary<int, long> _switches = [];
    private readonly Stopwatch _sinceLast = Stopwatch.StartNew();
    private int _round;
    private bool _hasNoHubs;

    /// <summary>Shows them until it is cancelled, or there were as many as wanted.</summary>
    /// <exception cref="ToolException">There is nothing to show.</exception>
    public void Run(CancellationToken cancellation)
    {
        Show(cancellation);
        if (_hasNoHubs)
        {
            throw Processes.WithoutHubs(process);
        }
    }

    private void Show(CancellationToken cancellation)
    {
        if (isPicture)
        {
            View? last = null; // that it shows at its end
            Read((view, _) => last = view, cancellation);
            Write(last ?? throw (_hasNoHubs ? Processes.WithoutHubs(process) : new ToolException($"Process {process} ended before there were figures.")));
            return;
        }

        if (isJson || Console.IsOutputRedirected)
        {
            Read((view, _) => Write(view), cancellation);
            return;
        }

        AnsiConsole.Live(new Text("Waiting for the first figures ...")).Start(context => Read(
            (view, _) =>
            {
                context.UpdateTarget(Render(view));
                context.Refresh();
            },
            cancellation));
    }

    private static Rows Render(View view) => new(
        new Rule(Markup.Escape($"process {view.Process} ({view.Name})")).LeftJustified(),
        Screen.Hubs([.. view.Hubs.Select(hub => hub.Hub)], hub => view.Hubs.First(each => each.Hub == hub).SwitchesASecond),
        Screen.Oldest(view.Oldest, OldestTasks));

    private void Write(View view)
    {
        if (isJson)
        {
            Screen.WriteJson(view, onOneLine: true);
        }
        else
        {
            AnsiConsole.Write(Render(view));
        }
    }

    private void Read(Action<View, int> show, CancellationToken cancellation) => new HubEvents(process).Read(
        HubEvents.Figures,
        s_patience,
        (hubs, tasks) =>
        {
            if (hubs.Count == 0)
            {
                _hasNoHubs = true;
                return false;
            }

            // The first round has nothing to compare with.
            double seconds = _sinceLast.Elapsed.TotalSeconds;
            _sinceLast.Restart();
            HubFigures[] figures = [.. hubs.Select(hub => new HubFigures(hub, _switches.TryGetValue(hub.Thread, out long before) ? Math.Max(0, (hub.Switches - before) / seconds) : 0))];
            _switches.Clear();
            foreach (HubView hub in hubs)
            {
                _switches[hub.Thread] = hub.Switches;
            }

            if (_round > 0)
            {
                show(new View(process, Processes.NameOf(process), figures, [.. tasks.OrderByDescending(task => task.Seconds).Take(OldestTasks)]), _round);
            }

            _round++;
            return (rounds == 0 && !isPicture) || _round <= Math.Max(1, rounds);
        },
        cancellation);

    /// <summary>A hub, and how fast it is.</summary>
    private sealed record HubFigures(HubView Hub, double SwitchesASecond);

    /// <summary>What is shown.</summary>
    private sealed record View(int Process, string Name, IReadOnlyList<HubFigures> Hubs, IReadOnlyList<TaskView> Oldest);
}
