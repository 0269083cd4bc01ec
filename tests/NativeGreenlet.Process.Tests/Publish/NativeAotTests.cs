using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeGreenlet.Tests.Infrastructure;
using NativeGreenlet.Tests.Survival;

namespace NativeGreenlet.Tests.Publish;

/// <summary>The self-test as a program that was compiled ahead of time: really published, and run.</summary>
[Collection(OneAtATime.Name)]
public class NativeAotTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    // Publishing takes most of the time, so it is done once.
    [Fact]
    public void Greenlets_are_threads_there_and_segments_are_refused()
    {
        string program = Publish();

        (int code, string output, string error) = Run(program, [], ("NATIVEGREENLET_BACKEND", string.Empty));
        Assert.True(code == 0, $"exit code {code}\n{output}\n{error}");
        Assert.Contains("\nThreads: this runtime is not one that we know: it is NativeAOT, not CoreCLR (", output, StringComparison.Ordinal);
        Assert.Contains("\nok: ", output, StringComparison.Ordinal);

        (code, output, error) = Run(program, [], ("NATIVEGREENLET_BACKEND", "segments"));
        Assert.Equal((1, string.Empty), (code, output));
        Assert.StartsWith("NotSupported: NATIVEGREENLET_BACKEND asks for segments", error, StringComparison.Ordinal);
        Assert.Contains("it is NativeAOT, not CoreCLR", error, StringComparison.Ordinal);
        Assert.Contains("NATIVEGREENLET_BACKEND=threads", error, StringComparison.Ordinal);

        // Nothing of the native library is needed.
        string name = Path.Combine(Path.GetDirectoryName(program)!, OperatingSystem.IsWindows() ? "libnativegreenlet.dll" : OperatingSystem.IsMacOS() ? "libnativegreenlet.dylib" : "libnativegreenlet.so");
        File.Delete(name);
        (code, output, error) = Run(program, [], ("NATIVEGREENLET_BACKEND", string.Empty));
        Assert.True(code == 0, $"exit code {code}\n{output}\n{error}");
        Assert.Contains("\nok: ", output, StringComparison.Ordinal);
    }

    // In a tree of its own, so that the one the tests were built in stays as it is.
    private static string Publish()
    {
        string root = RepositoryRoot();
        string place = Path.Combine(root, "artifacts", "publish", "aot");
        string output = Path.Combine(place, "out");
        string[] arguments =
        [
            "publish",
            Path.Combine(root, "samples", "SelfTest", "SelfTest.csproj"),
            "--configuration", "Release",
            "--runtime", RuntimeInformation.RuntimeIdentifier,
            "--artifacts-path", place,
            "--output", output,
            "-p:PublishAot=true",
            "-p:NativeGreenletBuildNative=false", // what is there was built a moment ago
            "-nodeReuse:false",
            "-nologo",
        ];
        (int code, string text, string error) = Run(ProgramHost.Path, arguments);
        Assert.True(code == 0, $"dotnet publish ended with {code}\n{text}\n{error}");
        Assert.DoesNotContain(": warning IL", text, StringComparison.Ordinal);
        return Path.Combine(output, OperatingSystem.IsWindows() ? "SelfTest.exe" : "SelfTest");
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "NativeGreenlet.sln")))
        {
            directory = directory.Parent;
        }

        Assert.True(directory is not null, "the tests do not run inside the repository");
        return directory.FullName;
    }

    private static (int Code, string Output, string Error) Run(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} still ran after {s_patience.TotalMinutes} minutes.");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}
