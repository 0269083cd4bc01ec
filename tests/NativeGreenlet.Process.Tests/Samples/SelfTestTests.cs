using NativeGreenlet.Interop;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Samples;

/// <summary>samples/SelfTest tells an operator by its exit code and one line whether greenlets work on a machine.</summary>
public class SelfTestTests
{
    private const string Program = "SelfTest.dll";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly (string Name, string Value) s_precise = ("DOTNET_gcConservative", "0"); // also when these tests run on slices

    [Theory]
    [InlineData("segments")]
    [InlineData("threads")]
    public void It_says_how_greenlets_work_and_that_they_do(string backend)
    {
        ChildProcess child = ChildProcess.Run(Program, string.Empty, s_patience, ("NATIVEGREENLET_BACKEND", backend), s_precise);

        Assert.True(child.ExitCode == 0 && child.Error.Length == 0, child.ToString());
        string[] lines = child.Output.Split('\n');
        Assert.StartsWith($"{backend} chosen in ", lines[0], StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith(" and 0 collections", lines[0], StringComparison.Ordinal);
        Assert.StartsWith($"{backend}: ", lines[1], StringComparison.OrdinalIgnoreCase);
        Assert.Matches(@"^ok: \d+ greenlets, \d+ switches, \d+ checks, \d+ ms$", lines[2]);
    }

    [Fact]
    public void What_cannot_be_had_is_one_line_and_an_exit_code()
    {
        ChildProcess child = ChildProcess.Run(Program, string.Empty, s_patience, ("NATIVEGREENLET_BACKEND", "segments"), s_precise, (NativeEngine.PathVariable, "/nonexistent/nativegreenlet"));

        Assert.True(child.ExitCode == 1 && child.Output.Length == 0, child.ToString());
        Assert.StartsWith("NativeLibraryMissing: ", child.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', child.Error.TrimEnd());
    }

    // A switch that leaves out what the collector, exceptions or stack limits need.
    [Theory]
    [InlineData("keeper")]
    [InlineData("lists")]
    [InlineData("limits")]
    public void A_broken_library_does_not_get_through(string fault)
    {
        ChildProcess child = ChildProcess.Run(
            Program,
            string.Empty,
            s_patience,
            ("NATIVEGREENLET_BACKEND", "segments"),
            s_precise,
            (NativeEngine.PathVariable, BreakableLibrary.Path),
            (BreakableLibrary.FaultVariable, fault));

        Assert.True(child.ExitCode != 0, child.ToString());
        Assert.DoesNotContain("\nok: ", child.Output, StringComparison.Ordinal);
    }
}
