namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>Child processes of tests run on the runtime of their parent, which may be another than the one that is installed.</summary>
[Collection(Processes.Name)]
public class ChildRuntimeTests
{
    [Fact]
    public void Classes_run_on_the_runtime_that_was_asked_for_in_a_process_of_their_own()
    {
        string output = Child.Run(("NATIVEGREENLET_BACKEND", ""), nameof(AskedRuntimeTests));
        Assert.Contains("1 passed, 0 failed", output, StringComparison.Ordinal);
    }
}
