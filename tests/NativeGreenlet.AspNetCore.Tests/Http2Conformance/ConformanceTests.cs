namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>HTTP/2 where connections live on hubs is what its standard says; on ASP.NET Core's own transport, the control, it is the same.</summary>
public sealed class ConformanceTests(ConformanceServers servers) : IClassFixture<ConformanceServers>
{
    private static readonly IReadOnlyDictionary<string, ConformanceCase> s_cases = ConformanceCases.All(isSecure: false);
    private static readonly IReadOnlyDictionary<string, ConformanceCase> s_secureCases = ConformanceCases.All(isSecure: true);

    public static TheoryData<string> Names { get; } = [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_server_does_what_the_standard_says(string name)
    {
        foreach (bool isSecure in new[] { false, true })
        {
            ConformanceCase subject = (isSecure ? s_secureCases : s_cases)[name];
            ConformanceServer own = servers.Get(isOnTransport: true, isSecure);
            ConformanceServer stock = servers.Get(isOnTransport: false, isSecure);
            string outcome = await ConformanceRun.RunAsync(subject, own);
            Assert.Equal(await ConformanceRun.RunAsync(subject, stock), outcome);
            if (subject.Deviation is { } deviation)
            {
                Assert.DoesNotContain(deviation, subject.Answer.Accepted);
                Assert.Equal(deviation, outcome);
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
