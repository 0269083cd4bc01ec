using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Runs a static method of this assembly in a process of its own: <see cref="Program"/> finds it there.</summary>
internal static class InChild
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(12);

    public static Result Run(Action body, params (string Name, string Value)[] environment) => Run(null, body, environment);

    /// <summary>The same under limits of a shell, such as <c>ulimit -v 4000000</c>.</summary>
    public static Result RunUnder(string limits, Action body, params (string Name, string Value)[] environment) => Run(limits, body, environment);

    // What a shell starts in the background ignores Ctrl-C, and so would its children.
    private static bool IgnoresInterrupt()
    {
        const ulong Interrupt = 1UL << 1;
        return OperatingSystem.IsLinux()
            && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } line
            && (ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & Interrupt) != 0;
    }

    private static Result Run(string? limits, Action body, (string Name, string Value)[] environment)
    {
        MethodInfo method = body.Method;
        Assert.True(method.IsStatic, "a child process can only run a static method");
        string[] command = [.. ProgramHost.Command(typeof(InChild).Assembly), ProgramHost.Child, method.DeclaringType!.FullName!, method.Name];
        if (limits is not null)
        {
            command = ["/bin/sh", "-c", $"{limits} && exec \"$@\"", "sh", .. command];
        }

        if (IgnoresInterrupt())
        {
            command = ["env", "--default-signal=INT", .. command];
        }

        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        Stopwatch watch = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill();
            throw new TimeoutException($"{method.Name} still ran in its process after {s_patience.TotalMinutes} minutes.");
        }

        return new Result(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult(), watch.Elapsed);
    }

    internal sealed record Result(int ExitCode, string Output, string Error, TimeSpan Elapsed);
}
