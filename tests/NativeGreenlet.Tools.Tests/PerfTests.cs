using NativeGreenlet.Tools.Tests.Infrastructure;
using NativeGreenlet.Tools.Tests.Subjects;

namespace NativeGreenlet.Tools.Tests;

/// <summary>perf, with frame pointers, the way that works for .NET: samples of a running greenlet have the whole of its
/// stack, and nothing else. (With unwind information, for C coroutines, nobody has tried.)</summary>
public class PerfTests
{
    private const int LeastSamples = 50; // perf takes some thousand in a second

    [PerfFact]
    public void Samples_of_a_running_greenlet_have_its_whole_stack()
    {
        // Without the second setting the compiled code lies in a file in memory, for which perf does not use the names.
        using Subject subject = Subject.Start(
            RunningSubject.RunBusy,
            ("DOTNET_PerfMapEnabled", "1"),
            ("DOTNET_EnableWriteXorExecute", "0"));
        string path = Path.Combine(Path.GetTempPath(), $"nativegreenlet-{Guid.NewGuid():N}.perf");
        try
        {
            (int exitCode, string output) = Tool.Run(
                "perf", "record", "-e", "cpu-clock:u", "--call-graph", "fp", "-o", path, "-p", $"{subject.Id}", "--", "sleep", "1");
            Assert.True(exitCode == 0, output);
            output = Tool.Run("perf", "script", "-i", path, "-F", "ip,sym").Output;
            Verify(output);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Verify(string output)
    {
        int complete = 0;
        int all = 0;
        foreach (string sample in output.Split("\n\n"))
        {
            string[] frames = sample.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (frames.Length == 0 || !frames[0].Contains($"{nameof(RunningSubject)}::{RunningSubject.BusyMethods[0]}", StringComparison.Ordinal))
            {
                continue; // another thread, or the clock
            }

            all++;
            bool hasMethods = RunningSubject.BusyMethods.Select((method, i) => i < frames.Length && frames[i].Contains($"::{method}(", StringComparison.Ordinal)).All(found => found);
            bool hasEnd = frames[^1].Contains("ng_greenlet_enter", StringComparison.Ordinal) && frames[^2].Contains("Stacks::Enter", StringComparison.Ordinal);
            complete += hasMethods && hasEnd ? 1 : 0;
        }

        // A sample may fall between the first instructions of a method.
        Assert.True(all >= LeastSamples && complete >= all * 9 / 10, $"{complete} of {all} samples have the whole stack.\n{output[..Math.Min(output.Length, 4000)]}");
    }
}
