using System.Runtime.InteropServices;

namespace NativeGreenlet.Common;

/// <summary>A run on another runtime than the SDK's (<c>./build.sh test --runtime VERSION</c>) really is on that one. Part of every
/// project of tests, each of which has a host of its own.</summary>
public class AskedRuntimeTests
{
    private const string Variable = "NATIVEGREENLET_TEST_RUNTIME";

    [Fact]
    public void The_tests_run_on_the_runtime_that_was_asked_for()
    {
        string running = RuntimeInformation.FrameworkDescription;
        Assert.Equal(Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } version ? $".NET {version}" : running, running);
    }
}
