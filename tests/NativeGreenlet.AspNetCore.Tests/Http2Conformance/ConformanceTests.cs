namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>HTTP/2 where connections live on hubs is what its standard says; on ASP.NET Core's own transport, the control, it is the same.</summary>
public sealed class ConformanceTests(ConformanceServers servers) : IClassFixture<ConformanceServers>
{
    private static readonly IReadOnlyDictionary<string, ConformanceCase> s_cases = ConformanceCases.All(isSecure: false);
    private static readonly IReadOnlyDictionary<string, ConformanceCase> s_secureCases = ConformanceCases.All(isSecure: true);

    public static TheoryData<string> Names { get; } = [.. s_cases.Keys];

    /// <summary>The guide says how many cases there are, and in how many Kestrel deviates.</summary>
    [Fact]
    public void The_guide_has_their_number()
    {
        string guide = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Guides", "aspnetcore.md"));
        Assert.Contains($" {s_cases.Count} cases ", guide, StringComparison.Ordinal);
        Assert.Contains($" {s_cases.Values.Count(subject => subject.Deviation is not null)} of them Kestrel deviates ", guide, StringComparison.Ordinal);
        Assert.Contains($" {s_cases.Values.Count(subject => subject.MendedIn.Major <= 11)} of these are mended in .NET 11", guide, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_server_does_what_the_standard_says(string name)
    {
        (ConformanceCase Subject, Task<string> Own, Task<string> Stock)[] runs = [.. new[] { s_cases[name], s_secureCases[name] }.Select((subject, i) =>
            (subject, ConformanceRun.RunAsync(subject, servers.Get(isOnTransport: true, isSecure: i == 1)), ConformanceRun.RunAsync(subject, servers.Get(isOnTransport: false, isSecure: i == 1))))];
        foreach ((ConformanceCase subject, Task<string> own, Task<string> stock) in runs)
        {
            string outcome = await own;
            Assert.Equal(await stock, outcome);
            if (subject.IsDeviating)
            {
                Assert.DoesNotContain(subject.Deviation!, subject.Answer.Accepted);
                Assert.Equal(subject.Deviation, outcome);
            }
            else
            {
                Assert.Contains(outcome, subject.Answer.Accepted);
            }
        }

        await servers.Get(isOnTransport: true, isSecure: false).AssertNothingIsLeftAsync();
        await servers.Get(isOnTransport: true, isSecure: true).AssertNothingIsLeftAsync();
    }
}
