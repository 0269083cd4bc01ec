using System.Diagnostics;
using NativeGreenlet.Orleans.Tests.Infrastructure;
using NativeGreenlet.OrleansBank;

namespace NativeGreenlet.Orleans.Tests.Clusters;

/// <summary>The sample prints what its document shows.</summary>
public class SampleTests
{
    [Fact]
    public async Task The_bank_prints_what_its_document_shows()
    {
        ProcessStartInfo start = new(ProgramHost.Path, [typeof(SiloProcess).Assembly.Location]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> rate = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TestSilo.Long * 3);
        }
        finally
        {
            process.Kill(entireProcessTree: true); // nothing if it has ended
        }

        Assert.EndsWith("transfers a second", (await rate).TrimEnd(), StringComparison.Ordinal);
        Assert.Equal((0, Shown()), (process.ExitCode, (await output).ReplaceLineEndings("\n")));
    }

    private static string Shown()
    {
        const string Begin = "```text\n";
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Repository", "orleans.md")).ReplaceLineEndings("\n");
        int begin = text.IndexOf(Begin, text.IndexOf("<!-- orleans-bank -->", StringComparison.Ordinal), StringComparison.Ordinal) + Begin.Length;
        return text[begin..text.IndexOf("```", begin, StringComparison.Ordinal)];
    }
}
