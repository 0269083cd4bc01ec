using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Clients;

namespace NativeGreenlet.Weaving.Tests.Clients;

/// <summary>The sample whose blocking code nobody rewrote.</summary>
public class LegacyShopTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    /// <summary>The supplier answers no customer before all have come, so it ends only if none of them holds up another.</summary>
    [ServerFact("postgres", "postgresql")]
    public async Task The_shop_prints_what_its_document_shows()
    {
        (int code, string output, string error) = await RunAsync(("NATIVEGREENLET_BACKEND", "segments"), ("DOTNET_gcConservative", "0")); // it counts threads

        Assert.Equal((0, string.Empty), (code, error));
        Assert.Equal(Shown("<!-- legacy-shop -->"), output);
    }

    [Fact]
    public async Task The_shop_says_clearly_that_there_is_no_PostgreSQL()
    {
        if (Directory.Exists("/usr/lib/postgresql"))
        {
            return; // it would be found there whatever the path says
        }

        (int code, string output, string error) = await RunAsync(("PATH", "/nowhere"));

        Assert.Equal((1, string.Empty), (code, output));
        Assert.StartsWith("PostgreSQL is not installed", error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params (string Name, string Value)[] environment)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        ProcessStartInfo start = new(ProgramHost.Path, [Path.Combine(AppContext.BaseDirectory, "..", "..", "LegacyShop", configuration, "LegacyShop.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(s_patience);
        }
        finally
        {
            process.Kill(entireProcessTree: true); // nothing if it has ended
        }

        return (process.ExitCode, (await output).ReplaceLineEndings("\n"), await error);
    }

    private static string Shown(string marker)
    {
        const string Begin = "```text\n";
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Repository", "samples.md")).ReplaceLineEndings("\n");
        int from = text.IndexOf(marker, StringComparison.Ordinal);
        int begin = text.IndexOf(Begin, from, StringComparison.Ordinal) + Begin.Length;
        return text[begin..text.IndexOf("```", begin, StringComparison.Ordinal)];
    }
}
