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
        (string, string)[] variables = [("NATIVEGREENLET_BACKEND", "threads"), ("NATIVEGREENLET_TEST_PATIENCE", "180")];
        string output = Child.Run(TimeSpan.FromMinutes(6), variables, classes.Split(' '));
        Assert.Contains("0 failed on Threads", output, StringComparison.Ordinal);
    }
}
