using NativeGreenlet.Build;

namespace NativeGreenlet.Tests.Platforms;

/// <summary>What <c>./build.sh test</c> learns from the output of a test program, also from that of one that ends too early.</summary>
public sealed class TestOutputTests : IDisposable
{
    private readonly DirectoryInfo _results = Directory.CreateTempSubdirectory("results");

    public void Dispose() => _results.Delete(recursive: true);

    [Fact]
    public void A_run_to_its_end_has_its_failures_and_its_closing_lines()
    {
        string[] lines =
        [
            "  Starting:    A.Tests",
            "    A.Tests.It_fails(text: \"[STARTING]\") [STARTING]",
            "    A.Tests.It_fails(text: \"[STARTING]\") [FAIL]",
            "      Assert.True() Failure",
            "    A.Tests.It_fails(text: \"[STARTING]\") [FINISHED] Time: 0.01s",
            "    A.Tests.It_waits [SKIP]",
            "  Finished:    A.Tests (ID = '80b0')",
            "=== TEST EXECUTION SUMMARY ===",
            "   A.Tests  Total: 5, Errors: 0, Failed: 1, Skipped: 1, Not Run: 0, Time: 0.213s",
        ];
        TestOutput output = Output(lines);

        Assert.Equal(["A.Tests.It_fails(text: \"[STARTING]\")"], output.Failed);
        Assert.True(output.IsClosed);
        Assert.False(output.IsEmpty);
        Assert.Null(output.Overdue(TimeSpan.Zero));
        Assert.Equal("the process ended with 3 after its tests", output.Describe(3));
        Assert.Equal(lines[^2..], lines.Where(TestOutput.IsClosing));
        Assert.Equal([lines[1], lines[4]], lines.Where(TestOutput.IsProgress));
    }

    [Theory]
    [InlineData("   A.Tests  Total: 0", true)]
    [InlineData("   A.Tests  Total: 0, Errors: 0, Failed: 0, Skipped: 0, Not Run: 2, Time: 0.213s", true)]
    [InlineData("   A.Tests  Total: 1, Errors: 0, Failed: 0, Skipped: 1, Not Run: 0, Time: 0.213s", false)]
    public void A_run_of_no_tests_is_told(string closing, bool isEmpty)
    {
        TestOutput output = Output("=== TEST EXECUTION SUMMARY ===", closing);

        Assert.True(output.IsClosed);
        Assert.Equal(isEmpty, output.IsEmpty);
    }

    [Fact]
    public void A_process_that_ends_in_a_test_names_it()
    {
        TestOutput output = Output("    A.Tests.It_passes [STARTING]", "    A.Tests.It_crashes [STARTING]", "    A.Tests.It_passes [FINISHED] Time: 2s", "Process terminated.", "bang");

        Assert.False(output.IsClosed);
        Assert.Equal("the process ended with 134; these tests ran: A.Tests.It_crashes", output.Describe(134));
        Assert.Equal("Process terminated.\nbang", output.Last);
    }

    [Fact]
    public void A_test_that_does_not_end_is_overdue()
    {
        TestOutput output = Output("    A.Tests.It_hangs [STARTING]");
        Thread.Sleep(20);

        Assert.Equal("A.Tests.It_hangs", output.Overdue(TimeSpan.FromMilliseconds(10)));
        Assert.Null(output.Overdue(TimeSpan.FromMinutes(10)));
    }

    [Fact]
    public void What_is_known_of_an_early_end_is_read_again_as_failures()
    {
        string path = Path.Combine(_results.FullName, "end.trx");

        TestResults.WriteEnd(path, "bin/A.Tests.dll", ["A.Tests.It_fails(count: 3)"], "the process ended with 134; these tests ran: A.Tests.It_crashes\n\u0001bang");

        TestFailure[] failures = [.. TestResults.Read(new FileInfo(path))];
        Assert.Equal(["A.Tests.It_fails", null], failures.Select(failure => failure.Method));
        Assert.All(failures, failure => Assert.Equal("A.Tests.dll", failure.Assembly));
        Assert.StartsWith("A.Tests.dll: the process ended with 134; these tests ran: A.Tests.It_crashes bang (", failures[1].ToString(), StringComparison.Ordinal);
        Assert.False(SecondRun.MayPass(failures));
    }

    private static TestOutput Output(params string[] lines)
    {
        TestOutput output = new();
        Array.ForEach(lines, output.Add);
        return output;
    }
}
