using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>Requests that wait for long cost collections nothing: they are frozen.</summary>
public class FreezingTests
{
    [Theory]
    [InlineData(WaitingRequests.OnKestrel, WaitingRequests.WithContext)]
    [InlineData(WaitingRequests.OnTransport, WaitingRequests.WithContext)]
    [InlineData(WaitingRequests.OnKestrel, WaitingRequests.WithParameters)]
    [InlineData(WaitingRequests.OnTransport, WaitingRequests.WithParameters)]
    public async Task Requests_that_wait_for_long_are_frozen(string transport, string handler)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64 || GreenletRuntime.Backend != GreenletBackend.Segments)
        {
            return; // nothing is frozen there
        }

        string[] command = [.. ProgramHost.Command(typeof(FreezingTests).Assembly), ProgramHost.Child, WaitingRequests.Argument, transport, handler];
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            Environment = { ["NATIVEGREENLET_FREEZE"] = "auto" },
        };
        using Process process = Process.Start(start)!;

        string output = await process.StandardOutput.ReadToEndAsync();

        await process.WaitForExitAsync();
        Assert.StartsWith("frozen", output, StringComparison.Ordinal);
        Assert.EndsWith("answered", output.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(0, process.ExitCode);
    }
}
