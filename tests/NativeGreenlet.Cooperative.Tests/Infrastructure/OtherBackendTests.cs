using System.Diagnostics;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>The same tests where every greenlet is a thread.</summary>
public class OtherBackendTests
{
    [Theory]
    [InlineData("HubTests TimeoutTests PatternTests SynchronizationTests CoordinationTests IoTests")]
    [InlineData("StressTests")]
    [InlineData("GivingUpTests")]
    [InlineData("RandomTimingTests")]
    public void They_hold_on_the_threads_backend_too(string classes)
    {
        string[] command = ProgramHost.Command(typeof(OtherBackendTests).Assembly);
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            Environment = { ["NATIVEGREENLET_BACKEND"] = "threads" },
        };
        Array.ForEach(classes.Split(' '), start.ArgumentList.Add);
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(3)))
        {
            process.Kill();
        }

        Assert.True(process.ExitCode == 0, output.Result);
        Assert.Contains("0 failed on Threads", output.Result, StringComparison.Ordinal);
    }
}
