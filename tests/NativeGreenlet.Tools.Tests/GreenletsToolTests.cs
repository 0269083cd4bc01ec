using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.Diagnostics.NETCore.Client;
using NativeGreenlet.Common;
using NativeGreenlet.Tools.Tests.Infrastructure;
using NativeGreenlet.Tools.Tests.Subjects;

namespace NativeGreenlet.Tools.Tests;

/// <summary>The tool <c>greenlets</c>, on a server under load, and on what it must refuse.</summary>
public class GreenletsToolTests
{
    [Fact]
    public void It_lists_dumps_and_watches_a_server_under_load_that_goes_on_meanwhile()
    {
        using Subject server = Subject.Start(ServerSubject.Run);
        string id = $"{server.Id}";

        JsonElement listed = RunJson("ps", "--json").EnumerateArray().Single(each => each.GetProperty("process").GetInt32() == server.Id);
        Assert.Equal(2, listed.GetProperty("hubs").GetInt32());
        Assert.Equal(1, listed.GetProperty("blocked").GetInt32());

        JsonElement dump = RunJson("dump", id, "--json");
        JsonElement[] hubs = [.. dump.GetProperty("hubs").EnumerateArray()];
        JsonElement stuck = hubs.Single(hub => hub.GetProperty("name").GetString() == "stuck");
        Assert.Equal("blocked", stuck.GetProperty("state").GetString());
        if (OperatingSystem.IsLinux()) // else nobody knows what the system calls its thread
        {
            Assert.Contains(stuck.GetProperty("stack").EnumerateArray(), frame => frame.GetString()!.Contains("ServerSubject.BlockTheThread", StringComparison.Ordinal));
        }

        JsonElement[] groups = [.. dump.GetProperty("groups").EnumerateArray()];
        JsonElement waiters = groups.Single(group => group.GetProperty("count").GetInt32() == ServerSubject.Waiters);
        Assert.Equal("waits", waiters.GetProperty("state").GetString());
        Assert.Contains("event", waiters.GetProperty("waitsFor").GetString(), StringComparison.Ordinal);
        Assert.Contains(waiters.GetProperty("stack").EnumerateArray(), frame => frame.GetString()!.Contains("ServerSubject.WaitForAnEvent", StringComparison.Ordinal));
        Assert.InRange(waiters.GetProperty("longestSeconds").GetDouble(), 0.01, 600);
        if (HasPeeks)
        {
            JsonElement kept = groups.Single(group => group.GetProperty("count").GetInt32() == ServerSubject.Stuck);
            Assert.Equal("waits", kept.GetProperty("state").GetString());
            Assert.Contains("event", kept.GetProperty("waitsFor").GetString(), StringComparison.Ordinal);
            Assert.Contains(kept.GetProperty("stack").EnumerateArray(), frame => frame.GetString()!.EndsWith("ServerSubject.WaitForAnEvent", StringComparison.Ordinal));
        }

        const int Fewest = ServerSubject.Waiters + ServerSubject.Clients + ServerSubject.Stuck + 1;
        Assert.InRange(dump.GetProperty("tasks").GetArrayLength(), Fewest, Fewest + (2 * ServerSubject.Clients) + 5);

        (int exitCode, string screen) = Run("dump", id);
        Assert.True(exitCode == 0, screen);
        Assert.Contains("stuck is blocked", screen, StringComparison.Ordinal);
        Assert.Contains("300 × waits for", screen, StringComparison.Ordinal);

        string[] rounds = [.. Run("top", id, "--count", "2", "--json").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        Assert.True(rounds.Length == 2, string.Join('\n', rounds));
        JsonElement busy = JsonDocument.Parse(rounds[1]).RootElement.GetProperty("hubs").EnumerateArray().Single(hub => hub.GetProperty("hub").GetProperty("name").GetString() == "busy");
        Assert.True(busy.GetProperty("switchesASecond").GetDouble() > 0, rounds[1]); // so it went on
        Assert.Contains("waiter", rounds[1], StringComparison.Ordinal);
        _ = server.Finish();
    }

    [Fact]
    public async Task Who_looks_at_the_same_time_as_others_sees_all()
    {
        using Subject server = Subject.Start(ServerSubject.Run);
        string id = $"{server.Id}";
        Task<string> top = Task.Factory.StartNew(() => Run("top", id, "--count", "12", "--json").Output, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (int round = 0; round < 3; round++)
        {
            JsonElement[] dumps = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ =>
                Task.Factory.StartNew(() => RunJson("dump", id, "--json"), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            foreach (JsonElement dump in dumps)
            {
                Assert.Equal(["busy", "stuck"], dump.GetProperty("hubs").EnumerateArray().Select(hub => hub.GetProperty("name").GetString()).Order());
                JsonElement[] groups = [.. dump.GetProperty("groups").EnumerateArray()];
                Assert.Contains(groups, group => group.GetProperty("count").GetInt32() == ServerSubject.Waiters);
                if (HasPeeks)
                {
                    Assert.Contains(groups, group => group.GetProperty("count").GetInt32() == ServerSubject.Stuck);
                }

                string[] numbers = [.. dump.GetProperty("tasks").EnumerateArray().Select(task => $"{task.GetProperty("hub")} {task.GetProperty("id")}")];
                Assert.Equal(numbers.Distinct().Count(), numbers.Length);
            }
        }

        foreach (string line in (await top).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            JsonElement[] hubs = [.. JsonDocument.Parse(line).RootElement.GetProperty("hubs").EnumerateArray()];
            Assert.Equal(2, hubs.Length);
        }

        _ = server.Finish();
    }

    [Fact]
    public void It_sees_greenlets_without_a_hub_in_a_process_that_is_not_stopped_in_one_that_is_and_in_a_core_dump()
    {
        using Subject subject = Subject.Start(ParkedSubject.Run);
        subject.WaitUntilIdle();
        if (HasPeeks)
        {
            VerifyParked(RunJson("dump", $"{subject.Id}", "--json")); // its thread waits for input, and does not answer
        }

        VerifyParked(RunJson("dump", $"{subject.Id}", "--halt", "--json"));
        string path = Path.Combine(Path.GetTempPath(), $"nativegreenlet-{Guid.NewGuid():N}.dmp");
        try
        {
            new DiagnosticsClient(subject.Id).WriteDump(DumpType.WithHeap, path);
            VerifyParked(RunJson("dump", path, "--json"));
        }
        finally
        {
            File.Delete(path);
        }

        JsonElement listed = RunJson("ps", "--json").EnumerateArray().Single(each => each.GetProperty("process").GetInt32() == subject.Id);
        Assert.Equal((0, ParkedSubject.Places.Count - 1), (listed.GetProperty("hubs").GetInt32(), listed.GetProperty("greenlets").GetInt32()));
        (int exitCode, string output) = Run("top", $"{subject.Id}");
        Assert.Equal(1, exitCode);
        Assert.Contains($"has no hub, and so no figures: it does not use NativeGreenlet.Cooperative, or has not yet. 'greenlets dump {subject.Id}' shows its greenlets.", output, StringComparison.Ordinal);
        _ = subject.Finish();
    }

    [Fact]
    public void It_sees_the_greenlets_of_a_thread_that_is_busy_with_them_with_files_and_lines()
    {
        using Subject subject = Subject.Start(BusySubject.Run);
        JsonElement dump = RunJson("dump", $"{subject.Id}", "--json");
        JsonElement group = dump.GetProperty("groups").EnumerateArray().Single(each => each.GetProperty("count").GetInt32() == BusySubject.Count);
        Assert.Equal("suspended", group.GetProperty("state").GetString());
        Assert.Contains(group.GetProperty("stack").EnumerateArray(), frame => frame.GetString()!.Contains("BusySubject.Hold()", StringComparison.Ordinal)
            && frame.GetString()!.Contains("BusySubject.cs:line ", StringComparison.Ordinal));
        Assert.Contains(group.GetProperty("names").EnumerateArray(), name => name.GetString() == BusySubject.Name);
        _ = subject.Finish();
    }

    [Fact]
    public void It_sees_frozen_greenlets_and_leaves_them_frozen()
    {
        if (!HasPeeks)
        {
            return; // nothing is frozen there
        }

        using Subject subject = Subject.Start(FrozenSubject.Run, ("NATIVEGREENLET_FREEZE", "auto"));
        for (int i = 0; i < 2; i++)
        {
            JsonElement dump = RunJson("dump", $"{subject.Id}", "--json");
            JsonElement frozen = dump.GetProperty("groups").EnumerateArray().Single(each => each.GetProperty("state").GetString() == "frozen");
            Assert.InRange(frozen.GetProperty("count").GetInt32(), FrozenSubject.Fewest, FrozenSubject.Count);
            Assert.Contains(frozen.GetProperty("stack").EnumerateArray(), frame => frame.GetString()!.EndsWith("FrozenSubject.Hold", StringComparison.Ordinal));
            Assert.Equal(FrozenSubject.Count, dump.GetProperty("tasks").GetArrayLength() - 1); // and the main greenlet, or the one that runs
        }

        JsonElement listed = RunJson("ps", "--json").EnumerateArray().Single(each => each.GetProperty("process").GetInt32() == subject.Id);
        Assert.InRange(listed.GetProperty("frozen").GetInt32(), FrozenSubject.Fewest, FrozenSubject.Count);
        _ = subject.Finish();
    }

    /// <summary>The pictures of docs/production.md come from here, too: NG_SCREENS names a folder (docs/pictures/screens.sh).</summary>
    [Theory]
    [InlineData("ps", "hubs")]
    [InlineData("dump", "stuck is blocked")]
    [InlineData("top", "switches/s")]
    public void A_picture_has_what_the_screen_shows(string verb, string sign)
    {
        string? kept = Environment.GetEnvironmentVariable("NG_SCREENS");
        string own = Directory.CreateTempSubdirectory("ng-").FullName; // where other processes of the machine are not seen
        string folder = kept ?? own;
        try
        {
            using Subject server = Subject.Start(ServerSubject.Run, ("TMPDIR", own));
            string path = Path.Combine(folder, $"greenlets-{verb}.svg");
            string[] target = verb == "ps" ? [] : [$"{server.Id}"];
            string[] command = [.. ProgramHost.Command(Path.Combine(AppContext.BaseDirectory, "greenlets.dll")), verb, .. target, .. verb == "top" ? new[] { "--count", "4" } : [], "--svg", path];
            (int exitCode, string screen) = Tool.Run(command[0], command[1..], [("TMPDIR", own)]);
            Assert.True(exitCode == 0, screen);
            Assert.Contains(sign, screen, StringComparison.Ordinal);
            XElement picture = XElement.Load(path);
            string words = string.Join('\n', picture.Elements().Where(each => each.Name.LocalName == "text").Select(each => each.Value));
            Assert.Contains(sign.Split(' ')[0], words, StringComparison.Ordinal);
            _ = server.Finish();
        }
        finally
        {
            Directory.Delete(own, recursive: true);
        }
    }

    [Theory]
    [InlineData(1, "--json has no screen to take a picture of. Leave out --json, or --svg a.svg.", "ps", "--json", "--svg", "a.svg")]
    [InlineData(1, "There is no process 999999999. 'greenlets ps' lists", "dump", "999999999")]
    [InlineData(1, "There is no process 999999999.", "top", "999999999")]
    [InlineData(1, "(the first process) cannot be asked. It is no .NET process, or it belongs to another user", "dump", "1")]
    [InlineData(1, "'abc' is neither a process id nor a file.", "dump", "abc")]
    [InlineData(1, "'abc' is no process id.", "top", "abc")]
    [InlineData(2, "Try: greenlets ps, greenlets dump PID", "dump", "1", "--wrong")]
    [InlineData(2, "--groups is a number from 1 on, not -1. Try: greenlets ps", "dump", "1", "--groups", "-1")]
    [InlineData(2, "--count is a number from 0 on, not -3. Try: greenlets ps", "top", "1", "--count", "-3")]
    [InlineData(2, "Try: greenlets ps, greenlets dump PID", "dumb")]
    [InlineData(2, "Try: greenlets ps, greenlets dump PID")]
    public void What_cannot_be_had_is_one_sentence_that_says_what_to_do(int expected, string message, params string[] arguments)
    {
        if (OperatingSystem.IsWindows() && message.Contains("the first process", StringComparison.Ordinal))
        {
            return; // there is none
        }

        (int exitCode, string output) = Run(arguments);
        Assert.Equal(expected, exitCode);
        Assert.Contains(message.Replace("(the first process) ", "", StringComparison.Ordinal), output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_process_without_the_library_is_told_from_one_that_has_it()
    {
        using Subject other = Subject.Start(Subject.ReadyAndWait);
        (int exitCode, string output) = Run("dump", $"{other.Id}");
        Assert.Equal(1, exitCode);
        Assert.Contains("has no greenlets: it does not use NativeGreenlet, or has not yet. 'greenlets ps' lists the processes that have some.", output, StringComparison.Ordinal);
        (exitCode, output) = Run("dump", $"{other.Id}", "--halt");
        Assert.Equal(1, exitCode);
        Assert.Contains("There is no NativeGreenlet in process", output, StringComparison.Ordinal);
        _ = other.Finish();
    }

    [Fact]
    public void A_file_that_is_no_core_dump_is_named()
    {
        string path = Path.GetTempFileName();
        try
        {
            (int exitCode, string output) = Run("dump", path);
            Assert.Equal(1, exitCode);
            Assert.Contains($"{path} cannot be read as a core dump of a .NET process", output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    // Whether what a thread does not tell can be looked up.
    private static bool HasPeeks => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static void VerifyParked(JsonElement dump)
    {
        string text = dump.ToString();
        JsonElement clean = dump.GetProperty("groups").EnumerateArray().Single(group => group.GetProperty("count").GetInt32() == ParkedSubject.CleanCount);
        Assert.Contains(clean.GetProperty("stack").EnumerateArray(), frame => frame.GetString()!.EndsWith("ParkedSubject.HoldClean", StringComparison.Ordinal));
        foreach (string method in new[] { "HoldInCatch", "HoldInFilter", "HoldWhileRunning" })
        {
            Assert.Contains(method, text, StringComparison.Ordinal);
        }
    }

    private static JsonElement RunJson(params string[] arguments)
    {
        (int exitCode, string output) = Run(arguments);
        Assert.True(exitCode == 0, output);
        return JsonDocument.Parse(output).RootElement;
    }

    private static (int ExitCode, string Output) Run(params string[] arguments)
    {
        string[] command = ProgramHost.Command(Path.Combine(AppContext.BaseDirectory, "greenlets.dll"));
        return Tool.Run(command[0], [.. command[1..], .. arguments]);
    }
}
