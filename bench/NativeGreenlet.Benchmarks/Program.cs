using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace NativeGreenlet.Benchmarks;

/// <summary>Runs the benchmarks of this assembly: those that the arguments select (see --help), or all, without a question.
/// Ends with 1 if one of them could not be measured.</summary>
internal static class Program
{
    private static readonly string[] s_selecting = ["-f", "--filter", "--anyCategories", "--allCategories", "--attribute"];

    private static int Main(string[] arguments)
    {
        bool isSelected = arguments.Any(argument => s_selecting.Contains(argument.Split('=')[0], StringComparer.OrdinalIgnoreCase));
        string[] all = isSelected ? [] : ["--filter", "*"];
        IEnumerable<Summary> summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. arguments, .. all]);
        return summaries.All(summary => summary.Reports.All(report => report.Success)) ? 0 : 1;
    }
}
