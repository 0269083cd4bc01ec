using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing.Etlx;
using Microsoft.Diagnostics.Tracing.Parsers;

namespace NativeGreenlet.LiveView;

/// <summary>Finds where threads are that do not answer, by the runtime's sampling profiler, which walks their stacks from
/// outside.</summary>
internal static class BlockedStacks
{
    private static readonly TimeSpan s_sampled = TimeSpan.FromMilliseconds(300);

    /// <summary>The snapshot, in which blocked hubs, and greenlets that run on threads that have not answered, have the stack of their
    /// thread as it was seen most often.</summary>
    public static Snapshot AddTo(int process, Snapshot snapshot)
    {
        if (!snapshot.Hubs.Any(IsSilent) && !snapshot.Tasks.Any(IsSilent))
        {
            return snapshot;
        }

        string path = Path.Combine(Path.GetTempPath(), $"greenlets-{Guid.NewGuid():N}.nettrace");
        try
        {
            Record(process, path);
            Dictionary<int, string> stacks = Read(path);
            return Snapshot.Of(
                snapshot.Source,
                [.. snapshot.Hubs.Select(hub => IsSilent(hub) && stacks.TryGetValue(hub.SystemThread, out string? stack) ? With(hub, stack) : hub)],
                [.. snapshot.Tasks.Select(task => IsSilent(task) && stacks.TryGetValue(task.SystemThread, out string? stack) ? task with { Stack = stack.Split('\n') } : task)]);
        }
        catch (Exception exception) when (exception is IOException or TimeoutException or DiagnosticsClientException)
        {
            return snapshot; // it has ended, or cannot be sampled
        }
        finally
        {
            File.Delete(path);
            File.Delete(path + ".etlx");
        }
    }

    private static bool IsSilent(HubView hub) => hub.State == "blocked" && hub.SystemThread != 0;

    private static bool IsSilent(TaskView task) => task.State == "running" && task.Stack.Count == 0 && task.SystemThread != 0;

    // It may have gone on meanwhile.
    private static HubView With(HubView hub, string stack) => stack.Contains(".HubLoop.SleepUntilSomething", StringComparison.Ordinal)
        ? hub with { State = "was blocked, and sleeps now", Current = null }
        : hub with { Stack = stack.Split('\n') };

    private static void Record(int process, string path)
    {
        EventPipeProvider[] providers =
        [
            new("Microsoft-DotNETCore-SampleProfiler", EventLevel.Informational),
            new("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, (long)ClrTraceEventParser.Keywords.Default),
        ];
        using EventPipeSession session = new DiagnosticsClient(process).StartEventPipeSession(providers);
        using FileStream file = File.Create(path);
        Task copy = session.EventStream.CopyToAsync(file);
        Thread.Sleep(s_sampled);
        session.Stop();
        copy.GetAwaiter().GetResult();
    }

    private static Dictionary<int, string> Read(string path)
    {
        using TraceLog log = new(TraceLog.CreateFromEventPipeDataFile(path));
        IEnumerable<(int Thread, string Stack)> samples =
            from each in log.Events
            where each.ProviderName == "Microsoft-DotNETCore-SampleProfiler"
            let stack = StackOf(each.CallStack())
            where stack.Length != 0
            select (each.ThreadID, stack);
        return samples.GroupBy(sample => sample.Thread).ToDictionary(
            group => group.Key,
            group => group.GroupBy(sample => sample.Stack).MaxBy(same => same.Count())!.Key);
    }

    private static string StackOf(TraceCallStack? frame)
    {
        List<string> frames = [];
        for (; frame is not null; frame = frame.Caller)
        {
            if (frame.CodeAddress.FullMethodName is { Length: > 0 } name)
            {
                frames.Add(name);
            }
        }

        return string.Join('\n', frames);
    }
}
