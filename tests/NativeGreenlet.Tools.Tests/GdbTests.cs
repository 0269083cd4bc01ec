using System.Text.RegularExpressions;
using NativeGreenlet.Tools.Tests.Infrastructure;
using NativeGreenlet.Tools.Tests.Subjects;

namespace NativeGreenlet.Tools.Tests;

/// <summary>gdb, attached to a process that runs a greenlet. Native frames have unwind information, down to the first
/// frame of the greenlet's stack, which says that nothing called it. Managed ones have a frame pointer, which
/// managed_frames.py tells gdb. (C coroutines: native/tests/backtrace.c.)</summary>
public partial class GdbTests
{
    [GdbFact]
    public void A_running_greenlet_is_unwound_to_its_end()
    {
        using Subject subject = Subject.Start(RunningSubject.RunInCallback, ("DOTNET_PerfMapEnabled", "1"));
        subject.WaitUntilIdle();
        string output = Tool.Run(
            "gdb",
            "-nx",
            "-batch",
            "-p",
            $"{subject.Id}",
            "-x",
            Path.Combine(AppContext.BaseDirectory, "managed_frames.py"),
            "-ex",
            "thread 1",
            "-ex",
            "echo BEGIN\\n",
            "-ex",
            "backtrace 100").Output;
        List<string> frames = [.. output[(output.IndexOf("BEGIN", StringComparison.Ordinal) + 1)..].Split('\n').Where(line => FrameNumber().IsMatch(line))];

        // Native code, managed code, native code, managed code, and the C library's two functions.
        int next = 0;
        string[] expected = ["pause", "RunningSubject::Compare", "qsort", "RunningSubject::Inner", "RunningSubject::Outer", "Stacks::Enter", "ng_greenlet_enter", "ng_assembly_boot"];
        foreach (string frame in frames)
        {
            if (next < expected.Length && frame.Contains(expected[next], StringComparison.Ordinal))
            {
                next++;
            }
        }

        Assert.True(next == expected.Length, $"'{expected[Math.Min(next, expected.Length - 1)]}' is missing.\n{output}");
        Assert.True(frames[^1].Contains("ng_assembly_boot", StringComparison.Ordinal), $"It goes on behind the first frame.\n{output}");
        Assert.DoesNotMatch("[Bb]acktrace stopped|[Cc]annot access memory|Python Exception", output);
    }

    [GeneratedRegex("^#[0-9]+ ")]
    private static partial Regex FrameNumber();
}
