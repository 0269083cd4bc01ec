using NativeGreenlet.Build;

namespace NativeGreenlet.Tests.Platforms;

/// <summary>What <c>./build.sh test</c> keeps of a program that fails, to show it when everything has run.</summary>
public class FailedProgramTests
{
    [Fact]
    public void The_end_of_the_output_is_kept_of_one_that_fails_and_of_no_other()
    {
        int before = FailedProgram.All.Count;
        Assert.True(FailedProgram.Passes("Passing", hear =>
        {
            hear("one line");
            return 0;
        }));
        Assert.Equal(before, FailedProgram.All.Count);

        string[] lines = [.. Enumerable.Range(0, 100).Select(i => $"line {i}")];
        Assert.False(FailedProgram.Passes("Failing", hear =>
        {
            Array.ForEach(lines, hear);
            return 3;
        }));
        FailedProgram failed = Assert.Single(FailedProgram.All.Skip(before));
        Assert.Equal("Failing ended with 3", failed.Name);
        Assert.Equal(lines[^60..], failed.LastLines);
    }
}
