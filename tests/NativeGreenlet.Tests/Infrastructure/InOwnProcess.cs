using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>
/// Runs a whole test again in a process of its own. A conservative collector keeps what any word on any stack seems to
/// refer to; and a process that has run hundreds of tests is full of words that once were references, to addresses that are
/// in use again. A process that runs one test is not: there what should be collected must be.
/// </summary>
internal static class InOwnProcess
{
    private const string Marker = "NATIVEGREENLET_TEST_ALONE";
    private const int Attempts = 3; // chance is less, not gone

    /// <summary>Whether a test that found something alive gets another chance.</summary>
    public static bool IsWorthwhile { get; } =
        ThisRun.Backend == Backends.Slices && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Marker));

    /// <summary>The test that is being run by the calling thread.</summary>
    public static MethodBase? CurrentTest() => Array.Find(
        Array.ConvertAll(new StackTrace().GetFrames(), frame => frame.GetMethod()),
        method => method?.GetCustomAttribute<FactAttribute>() is not null);

    /// <summary>Runs it; it must succeed.</summary>
    public static void Repeat(MethodBase test, KeptAliveException first)
    {
        // Of a theory every row, in a process each: which one it was is not known here.
        for (int row = 0; row < Math.Max(1, Rows(test).Length); row++)
        {
            InChild.Result? child = null;
            for (int i = 0; i < Attempts && child is not { ExitCode: 0 }; i++)
            {
                child = InChild.Run(RunNamed, (Marker, $"{test.DeclaringType!.FullName} {test.Name} {row}"));
            }

            Assert.True(child is { ExitCode: 0 }, $"{first.Message}\nNor in a process of its own: exit code {child!.ExitCode}\n{child.Output}\n{child.Error}");
        }
    }

    private static object?[][] Rows(MethodBase test) =>
        [.. test.GetCustomAttributes<DataAttribute>().SelectMany(data => data.GetData((MethodInfo)test, new DisposalTracker()).AsTask().GetAwaiter().GetResult()).Select(row => row.GetData())];

    // The other end: in the child process.
    private static void RunNamed()
    {
        string[] names = Environment.GetEnvironmentVariable(Marker)!.Split(' ');
        MethodInfo test = typeof(InOwnProcess).Assembly.GetType(names[0], throwOnError: true)!.GetMethod(names[1])!;
        object? instance = Activator.CreateInstance(test.DeclaringType!);
        _ = test.Invoke(instance, Rows(test).ElementAtOrDefault(int.Parse(names[2], CultureInfo.InvariantCulture)));
        (instance as IDisposable)?.Dispose();
    }
}
