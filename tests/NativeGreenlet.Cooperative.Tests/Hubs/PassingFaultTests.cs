using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>What fails at the first use is tried again at the next one.</summary>
[Collection(Processes.Name)]
public class PassingFaultTests
{
    /// <summary>In a process of its own: the meter is made once.</summary>
    [Fact]
    public void A_listener_that_fails_once_keeps_no_hub_from_running() =>
        Assert.Contains("published", Child.Run(("NATIVEGREENLET_POLLER", "on"), nameof(PassingFaultPrograms)), StringComparison.Ordinal);
}
