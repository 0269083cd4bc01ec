using BenchmarkDotNet.Running;

namespace NativeGreenlet.Benchmarks;

/// <summary>Runs the benchmarks of this assembly: all of those that the arguments select (see --help).</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        IEnumerable<BenchmarkDotNet.Reports.Summary> summaries =
            BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
        return summaries.All(summary => summary.Reports.All(report => report.Success)) ? 0 : 1;
    }
}
