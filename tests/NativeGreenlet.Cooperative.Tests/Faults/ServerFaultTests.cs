using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Faults;

/// <summary>Each call of the system that a server makes fails now and then; it goes on.</summary>
[Collection(Processes.Name)]
public class ServerFaultTests
{
    [Fact]
    public void A_server_survives_every_error_of_the_calls_it_makes()
    {
        if (SystemFaults.TryCompile() is not { } library)
        {
            return; // no compiler here
        }

        try
        {
            string output = Child.Run([("LD_PRELOAD", library), (SystemFaults.Variable, library)], nameof(ServerFaultPrograms));
            Assert.Contains("5 passed, 0 failed on", output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(library);
        }
    }
}
