using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.Leaks;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>The short form of <see cref="FlatMemoryTests"/>: what leaves a descriptor each time is found by few rounds.</summary>
public class LeftoverTests
{
    private const int Rounds = 100;

    [Fact]
    public void Input_and_output_that_has_ended_or_was_given_up_leaves_no_descriptors() => InHub.Run(() =>
    {
        using IoOperations operations = new();
        Assert.Equal(string.Empty, string.Join('\n', Growth.FindAll(operations.All(), Rounds)));
    });
}
