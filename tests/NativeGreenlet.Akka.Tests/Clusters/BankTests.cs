using System.Diagnostics;

namespace NativeGreenlet.Akka.Tests.Clusters;

/// <summary>The sample prints what its page shows.</summary>
public class BankTests
{
    [Fact]
    public void The_bank_prints_what_its_page_shows()
    {
        const string Begin = "```text\n";
        string page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "akka-bank.md")).ReplaceLineEndings("\n");
        int begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        using Process process = Process.Start(new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "AkkaBank.dll")]) { RedirectStandardOutput = true })!;

        string output = process.StandardOutput.ReadToEnd().ReplaceLineEndings("\n");
        process.WaitForExit();

        Assert.Equal(0, process.ExitCode);
        Assert.Equal(page[begin..page.IndexOf("```", begin, StringComparison.Ordinal)], output);
    }

    /// <summary>So what the page shows compiles.</summary>
    [Fact]
    public void The_code_of_the_page_is_of_the_sample()
    {
        string[] parts = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "akka-bank.md")).ReplaceLineEndings("\n").Split("```csharp\n");
        string sources = string.Concat(Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Bank"), "*.cs").Select(file => File.ReadAllText(file).ReplaceLineEndings("\n")));

        Assert.Equal(4, parts.Length);
        Assert.All(parts[1..], part => Assert.Contains(part[..part.IndexOf("```", StringComparison.Ordinal)], sources, StringComparison.Ordinal));
    }
}
