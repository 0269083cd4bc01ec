using System.Diagnostics;

namespace NativeGreenlet.Tools.Tests.Infrastructure;

/// <summary>A program of the system, run to its end.</summary>
internal static class Tool
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Whether it is on the path.</summary>
    public static bool Exists(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(directory => File.Exists(Path.Combine(directory, name)));

    /// <summary>Runs it; returns its exit code, and what it printed.</summary>
    public static (int ExitCode, string Output) Run(string name, params string[] arguments) => Run(name, arguments, []);

    /// <summary>The same with variables of the environment.</summary>
    public static (int ExitCode, string Output) Run(string name, string[] arguments, (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(name, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["LC_ALL"] = "C";
        start.Environment["DEBUGINFOD_URLS"] = ""; // no downloads of symbols
        foreach ((string variable, string value) in environment)
        {
            start.Environment[variable] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill();
            throw new TimeoutException($"{name} still ran after {s_patience.TotalMinutes} minutes.");
        }

        return (process.ExitCode, $"{output.GetAwaiter().GetResult()}\n{error.GetAwaiter().GetResult()}");
    }
}
