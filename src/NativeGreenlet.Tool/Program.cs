using System.CommandLine;
using System.Globalization;
using NativeGreenlet.LiveView;
using Spectre.Console;

// The verbs of the tool. What cannot be had is one sentence on the standard error, and exit code 1; a wrong command line is 2.
Option<bool> json = new("--json") { Description = "Write JSON." };
Option<string?> svg = new("--svg") { Description = "Write what the screen shows to a file, too, as a picture.", HelpName = "FILE" };
Argument<string> target = new("PID") { Description = "The process; 'greenlets ps' lists them." };

Command ps = new("ps", "Lists the processes that have greenlets.") { json, svg };
ps.SetAction(result => Try(() => Picture.Take(PathOfPicture(result), "greenlets ps", () => List(result.GetValue(json)))));

Argument<string> source = new("PID|CORE") { Description = "The process, or the file of a core dump." };
Option<bool> halt = new("--halt") { Description = "Stop the process and read its memory: for one that hangs altogether. Frozen greenlets are not among what is seen then." };
Option<int> groups = new("--groups") { Description = "How many places to show.", DefaultValueFactory = _ => 20 };
AtLeast(groups, 1);
Command dump = new("dump", "Shows what every greenlet does, what it waits for and since when, and where; grouped by place. The process goes on.") { source, halt, groups, json, svg };
dump.SetAction(result => Try(() => Picture.Take(
    PathOfPicture(result),
    "greenlets dump",
    () => Dump(result.GetValue(source)!, result.GetValue(halt), result.GetValue(groups), result.GetValue(json)))));

Option<int> count = new("--count") { Description = "End after so many rounds of figures; 0 for none, until Ctrl+C." };
AtLeast(count, 0);
Command top = new("top", "Shows figures of every hub, and the tasks that have waited longest, twice a second.") { target, count, json, svg };
top.SetAction((result, cancellation) => Task.FromResult(Try(() =>
{
    int process = ParseProcess(result.GetValue(target)!);
    Processes.Check(process);
    string? path = PathOfPicture(result);
    Picture.Take(path, "greenlets top", () => new Top(process, result.GetValue(count), result.GetValue(json), path is not null).Run(cancellation));
})));

RootCommand root = new("Shows the greenlets of a running process or a core dump.") { ps, dump, top };
if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = 200; // nothing is gained by lines that are broken there
}

ParseResult parsed = root.Parse(args);
if (parsed.Errors is [{ } error, ..])
{
    Console.Error.WriteLine($"greenlets: {error.Message} Try: greenlets ps, greenlets dump PID, greenlets top PID; --help lists the options.");
    return 2;
}

return await parsed.InvokeAsync();

string? PathOfPicture(ParseResult result) => result.GetValue(svg) is not { } path || !result.GetValue(json)
    ? result.GetValue(svg)
    : throw new ToolException($"--json has no screen to take a picture of. Leave out --json, or --svg {path}.");

static void AtLeast(Option<int> option, int least) => option.Validators.Add(result =>
{
    if (result.Tokens is [{ Value: { } text }, ..] && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value < least)
    {
        result.AddError($"{option.Name} is a number from {least} on, not {value}.");
    }
});

static int Try(Action verb)
{
    try
    {
        verb();
        return 0;
    }
    catch (ToolException exception)
    {
        Console.Error.WriteLine($"greenlets: {exception.Message}");
        return 1;
    }
}

static int ParseProcess(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int process)
    ? process
    : throw new ToolException($"'{text}' is no process id. 'greenlets ps' lists the processes that have greenlets.");

static void List(bool isJson)
{
    var found = Processes.All.AsParallel().AsOrdered().WithDegreeOfParallelism(16)
        .Select(process => (Process: process, Answer: Ask(process)))
        .Where(each => each.Answer.Counts is { Live: > 0 } || each.Answer.Hubs.Count != 0)
        .Select(each => new
        {
            each.Process,
            Name = Processes.NameOf(each.Process),
            Hubs = each.Answer.Hubs.Count,
            Tasks = each.Answer.Hubs.Sum(hub => hub.Tasks),
            Blocked = each.Answer.Hubs.Count(hub => hub.State == "blocked"),
            Greenlets = each.Answer.Counts?.Live ?? 0,
            Frozen = each.Answer.Counts?.Frozen ?? 0,
        })
        .ToArray();
    if (isJson)
    {
        Screen.WriteJson(found);
        return;
    }

    if (found.Length == 0)
    {
        Console.WriteLine("No process of this user has greenlets. One that was started as another user, in a container or with another TMPDIR is seen there only.");
        return;
    }

    Table table = new Table().Border(TableBorder.Rounded).AddColumns("PID", "name", "hubs", "tasks", "blocked hubs", "greenlets", "frozen");
    foreach (var each in found)
    {
        table.AddRow($"{each.Process}", Markup.Escape(each.Name), $"{each.Hubs}", $"{each.Tasks}", each.Blocked == 0 ? "" : $"[red]{each.Blocked}[/]", $"{each.Greenlets}", each.Frozen == 0 ? "" : $"{each.Frozen}");
    }

    AnsiConsole.Write(table);
}

static (IReadOnlyList<HubView> Hubs, GreenletCounts? Counts) Ask(int process)
{
    IReadOnlyList<HubView> found = [];
    HubEvents events = new(process);
    try
    {
        events.Read(
            HubEvents.Figures,
            TimeSpan.FromSeconds(Processes.HasNativeLibrary(process) ? 10 : 2), // one that is busy may take long
            (hubs, _) =>
            {
                found = hubs;
                return false;
            },
            CancellationToken.None);
    }
    catch (ToolException)
    {
        // It has none, or is not ours.
    }

    return (found, events.Counts);
}

static void Dump(string source, bool isHalted, int groups, bool isJson)
{
    Snapshot snapshot;
    if (File.Exists(source))
    {
        snapshot = HaltedDump.OfFile(source);
    }
    else if (!int.TryParse(source, NumberStyles.None, CultureInfo.InvariantCulture, out int process))
    {
        throw new ToolException($"'{source}' is neither a process id nor a file. 'greenlets ps' lists the processes that have greenlets.");
    }
    else
    {
        Processes.Check(process);
        snapshot = isHalted ? HaltedDump.OfProcess(process) : Live(process);
    }

    if (isJson)
    {
        Screen.WriteJson(snapshot);
    }
    else
    {
        Screen.Write(snapshot, groups);
    }
}

static Snapshot Live(int process)
{
    Snapshot? snapshot = null;
    new HubEvents(process).Read(
        HubEvents.Dump,
        TimeSpan.FromSeconds(5),
        (hubs, tasks) =>
        {
            snapshot = Snapshot.Of($"process {process} ({Processes.NameOf(process)})", hubs, tasks);
            return false;
        },
        CancellationToken.None);
    if (snapshot is null)
    {
        throw new ToolException($"Process {process} ended, or did not answer completely. Try again, or 'greenlets dump {process} --halt'.");
    }

    if (snapshot.Hubs.Count == 0 && snapshot.Tasks.Count == 0)
    {
        throw new ToolException($"Process {process} ({Processes.NameOf(process)}) has no greenlets just now, although it has used NativeGreenlet. Try again when it does something.");
    }

    return BlockedStacks.AddTo(process, CodeNames.AddTo(process, snapshot));
}
