using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>A process in which something goes wrong: the test's side of it, and the child's.</summary>
internal static class FaultProcess
{
    private const string Done = "done";

    /// <summary>Runs a body that must get through the fault: on the backend of this run.</summary>
    public static InChild.Result Survives(Action body, params (string Name, string Value)[] environment)
    {
        InChild.Result child = InChild.Run(body, environment);
        Assert.True(child.ExitCode == 0 && child.Error.Length == 0 && child.Output.TrimEnd().EndsWith(Done, StringComparison.Ordinal), Describe(child));
        return child;
    }

    /// <summary>As <see cref="Survives"/>, where the test is about stack segments.</summary>
    public static InChild.Result SurvivesOnSegments(Action body, params (string Name, string Value)[] environment) =>
        Survives(body, [("NATIVEGREENLET_BACKEND", "segments"), .. environment]);

    /// <summary>Runs a body that must end its process by a crash that the runtime reports.</summary>
    /// <param name="body">What to run.</param>
    /// <param name="report">What must be in its standard error.</param>
    public static InChild.Result Crashes(Action body, params string[] report)
    {
        InChild.Result child = InChild.Run(body);
        Assert.True(OperatingSystem.IsWindows() ? child.ExitCode != 0 : child.ExitCode == 134, Describe(child)); // SIGABRT
        Assert.All(report, text => Assert.True(child.Error.Contains(text, StringComparison.Ordinal), Describe(child)));
        Assert.DoesNotContain("CORRUPT", child.Output + child.Error, StringComparison.Ordinal);
        return child;
    }

    public static string Describe(InChild.Result child) => $"exit code {child.ExitCode} after {child.Elapsed}\n{child.Output}\n{child.Error}";

    /// <summary>In the child: does something on its main thread, then on another one, and says that it got there.</summary>
    public static void OnMainAndWorker(Action body)
    {
        body();
        OnThread.Run(body);
        Console.WriteLine(Done);
    }

    /// <summary>In the child: something must be refused because the system has no more of something, in words that name
    /// the limit.</summary>
    public static void Refused(string limit, Func<object?> action)
    {
        GreenletException exception = Expect.Failure(GreenletError.OutOfStacks, action);
        Assert.Contains(limit, exception.Message, StringComparison.Ordinal);
    }
}
