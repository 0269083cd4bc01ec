using System.Diagnostics;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>Runs tests in a process of their own (<see cref="Program"/>).</summary>
internal static class Child
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(8); // on a busy machine

    /// <summary>Runs them, and fails as they do.</summary>
    /// <param name="variable">An environment variable it gets, and the value.</param>
    /// <param name="classes">The names of the classes.</param>
    /// <returns>What it printed.</returns>
    public static string Run((string Name, string Value) variable, params string[] classes) => Run([variable], classes);

    /// <summary>The same with several variables.</summary>
    public static string Run((string Name, string Value)[] variables, params string[] classes)
    {
        string[] command = [.. ProgramHost.Command(typeof(Child).Assembly), ProgramHost.Child];
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        Array.ForEach(classes, start.ArgumentList.Add);
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        bool hasEnded = process.WaitForExit(s_patience);
        if (!hasEnded)
        {
            process.Kill();
            process.WaitForExit();
        }

        string end = hasEnded ? $"exit code {process.ExitCode}" : $"killed, not at its end after {s_patience}";
        Assert.True(process.ExitCode == 0, $"{end}\n{output.Result}\n{error.Result}");
        return output.Result;
    }
}
