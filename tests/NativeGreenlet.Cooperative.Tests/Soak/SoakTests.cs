using NativeGreenlet.Cooperative.Tests.Faults;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Soak;

/// <summary>The short form of the soak. The long one: <c>tests/soak.sh 10</c>.</summary>
[Collection(Processes.Name)]
public class SoakTests
{
    [Fact]
    public void A_soak_with_kills_timeouts_and_faults_ends_with_everything_flat()
    {
        string? library = SystemFaults.TryCompile();
        (string, string)[] variables = library is null
            ? [(SoakProgram.Variable, "0.1")]
            : [(SoakProgram.Variable, "0.1"), ("LD_PRELOAD", library), (SystemFaults.Variable, library)];
        try
        {
            string output = Child.Run(variables, nameof(SoakProgram));
            Assert.Contains("1 passed, 0 failed on", output, StringComparison.Ordinal);
            Assert.Contains("descriptors", output, StringComparison.Ordinal);
        }
        finally
        {
            if (library is not null)
            {
                File.Delete(library);
            }
        }
    }
}
