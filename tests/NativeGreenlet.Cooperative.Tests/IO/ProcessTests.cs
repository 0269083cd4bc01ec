using System.ComponentModel;
using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>What programs leave behind when they have ended: nothing.</summary>
public class ProcessTests
{
    [Fact]
    public void Programs_that_have_ended_keep_no_descriptors() => OnLinux(() => InHub.Run(() =>
    {
        GreenProcess.Run("true");
        int before = Descriptors();
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(0, GreenProcess.Run("true").ExitCode);
            Assert.Equal("x\n", GreenProcess.Run(new ProcessStartInfo("cat"), "x\n").Output);
            GreenProcess.Run(new ProcessStartInfo("true"), new string('x', 1 << 20)); // which it does not read
        }

        Assert.InRange(Descriptors(), 0, before + 20);
    }));

    [Fact]
    public void Programs_that_are_killed_or_take_too_long_keep_no_descriptors_and_have_ended() => OnLinux(() => InHub.Run(() =>
    {
        GreenProcess.Run("true");
        int before = Descriptors();
        for (int i = 0; i < 5; i++)
        {
            string mark = $"61{i}.{Environment.ProcessId}";
            GreenTask task = Hub.Spawn(() => GreenProcess.Run("sleep", mark));
            Until(() => IsRunning(mark));
            Assert.True(task.Kill(timeout: InHub.Long));
            Assert.False(IsRunning(mark));

            TimeoutException exception = Assert.Throws<TimeoutException>(() => GreenProcess.Run(new ProcessStartInfo("sh", ["-c", $"sleep {mark}; true"]), timeout: InHub.Tick * 50));
            Assert.Contains("was killed", exception.Message, StringComparison.Ordinal);
            Until(() => !IsRunning(mark)); // its child, too
            Assert.False(GreenTimeout.TryRun(InHub.Tick * 50, () => GreenProcess.Run("sleep", mark)));
            Assert.False(IsRunning(mark));
        }

        Assert.InRange(Descriptors(), 0, before + 10);
    }));

    [Fact]
    public void A_grandchild_that_lives_on_is_not_called_killed() => OnLinux(() => InHub.RunInStillTime(time =>
    {
        string mark = $"62.{Environment.ProcessId}";
        try
        {
            GreenTask<TimeoutException> run = Hub.Spawn(() => Assert.Throws<TimeoutException>(() =>
                GreenProcess.Run(new ProcessStartInfo("sh", ["-c", $"sleep {mark} & exit 3"]), timeout: InHub.Tick * 500)));
            InHub.Until(() => IsRunning(mark) && !IsRunning(mark, "sh"));
            time.Advance(InHub.Tick * 500);
            TimeoutException exception = run.Result;
            Assert.Contains("exit code 3", exception.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("killed", exception.Message, StringComparison.Ordinal);
            Assert.True(IsRunning(mark));
        }
        finally
        {
            GreenProcess.Run("pkill", "-f", $"^sleep {mark}$");
        }
    }));

    [Fact]
    public void What_cannot_be_started_says_so() => InHub.Run(() =>
    {
        Assert.Throws<Win32Exception>(() => GreenProcess.Run("there is no such program"));
        Assert.Throws<ArgumentOutOfRangeException>(() => GreenProcess.Run(new ProcessStartInfo("true"), timeout: TimeSpan.FromSeconds(-2)));
    });

    internal static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    internal static void Until(Func<bool> condition)
    {
        for (int i = 0; i < 5000 && !condition(); i++)
        {
            Hub.Sleep(InHub.Tick * 5);
        }

        Assert.True(condition());
    }

    private static bool IsRunning(string mark, string program = "sleep") => Directory.GetDirectories("/proc").Any(process =>
    {
        try
        {
            return File.ReadAllText($"{process}/cmdline") is var line && line.StartsWith(program, StringComparison.Ordinal) && line.Contains(mark, StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });

    private static void OnLinux(Action test)
    {
        if (OperatingSystem.IsLinux())
        {
            test();
        }
    }
}
