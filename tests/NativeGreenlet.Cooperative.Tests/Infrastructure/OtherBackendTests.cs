namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>The same tests where every greenlet is a thread.</summary>
public class OtherBackendTests
{
    [Theory]
    [InlineData("HubTests TimeoutTests PatternTests SynchronizationTests CoordinationTests IoTests GivenUpAcceptTests GivenUpReceiveTests")]
    [InlineData("KillTests PendingKillTests PulseTests RefusedWaitTests EndedHubTests SharedGeneratorTests")]
    [InlineData("StressTests")]
    [InlineData("GivingUpTests")]
    [InlineData("RandomTimingTests")]
    public void They_hold_on_the_threads_backend_too(string classes)
    {
        // A step is a hand-over between two threads there: milliseconds, where others want the processors too.
        string output = Child.Run(("NATIVEGREENLET_BACKEND", "threads"), classes.Split(' '));
        Assert.Contains("0 failed on Threads", output, StringComparison.Ordinal);
    }
}
