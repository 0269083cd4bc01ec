using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>What is a deadlock in a process that has nothing but its hub.</summary>
[Collection(Processes.Name)]
public class DeadlockProcessTests
{
    /// <summary>What the outside could wake is one only where there is no outside.</summary>
    [Fact]
    public void In_a_process_that_has_nothing_else_every_wait_for_an_object_is_one()
    {
        if (OperatingSystem.IsLinux())
        {
            string output = Child.Run(("NATIVEGREENLET_POLLER", "on"), nameof(DeadlockPrograms));
            Assert.Equal(GreenletRuntime.Backend != GreenletBackend.Threads, output.Contains("4 told", StringComparison.Ordinal));
            Assert.Contains("8 woken", output, StringComparison.Ordinal);
        }
    }
}
