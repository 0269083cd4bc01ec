using System.Runtime.InteropServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>Child processes of tests run on the runtime of their parent, which may be another than the one that is installed.</summary>
public class ChildRuntimeTests
{
    [Fact]
    public void A_method_of_the_tests_runs_on_the_same_runtime_in_a_process_of_its_own()
    {
        InChild.Result child = InChild.Run(PrintRuntime);
        Assert.Equal(RuntimeInformation.FrameworkDescription, child.Output.Trim());
    }

    [Fact]
    public void So_does_a_program_that_lies_beside_the_tests()
    {
        ChildProcess child = ChildProcess.Run("SelfTest.dll", "", TimeSpan.FromMinutes(2));
        Assert.True(child.Output.Contains($"{RuntimeInformation.FrameworkDescription},", StringComparison.Ordinal), child.ToString());
    }

    private static void PrintRuntime() => Console.WriteLine(RuntimeInformation.FrameworkDescription);
}
