using System.Diagnostics;
using System.Reflection;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Runs a static method of this assembly in a process of its own: <see cref="Program"/> finds it there.</summary>
internal static class InChild
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    public static Result Run(Action body, params (string Name, string Value)[] environment)
    {
        MethodInfo method = body.Method;
        Assert.True(method.IsStatic, "a child process can only run a static method");
        ProcessStartInfo start = new(Host())
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            ArgumentList = { "exec", typeof(InChild).Assembly.Location, method.DeclaringType!.FullName!, method.Name },
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

    private static string Host()
    {
        string? host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH");
        if (!string.IsNullOrEmpty(host))
        {
            return host;
        }

        string? own = Environment.ProcessPath;
        return Path.GetFileNameWithoutExtension(own) == "dotnet" ? own! : "dotnet";
    }

    internal sealed record Result(int ExitCode, string Output, string Error, TimeSpan Elapsed);
}
