using NativeGreenlet.Analyzers.CodeFixes;
using NativeGreenlet.Analyzers.Rules;

namespace NativeGreenlet.Analyzers.Tests;

/// <summary>Each fix writes what one would.</summary>
public sealed class CodeFixTests
{
    [Theory]
    [InlineData("[|Thread.Sleep(5)|]", "Hub.Sleep(TimeSpan.FromMilliseconds(5))")]
    [InlineData("[|Thread.Sleep(TimeSpan.FromSeconds(1))|]", "Hub.Sleep(TimeSpan.FromSeconds(1))")]
    [InlineData("[|t.Wait()|]", "Hub.Await(t)")]
    [InlineData("[|t.Wait(5)|]", "Hub.Await(t, TimeSpan.FromMilliseconds(5))")]
    [InlineData("i = [|t.Result|]", "i = Hub.Await(t)")]
    [InlineData("i = [|t.GetAwaiter().GetResult()|]", "i = Hub.Await(t)")]
    [InlineData("i = [|t.ConfigureAwait(false).GetAwaiter().GetResult()|]", "i = Hub.Await(t)")]
    [InlineData("[|Task.WaitAll(t, t)|]", "Hub.Await(Task.WhenAll(t, t))")]
    [InlineData("[|s.Wait()|]", "Hub.Await(token => s.WaitAsync(token))")]
    [InlineData("[|File.ReadAllText(\"x\")|]", "GreenFile.ReadAllText(\"x\")")]
    [InlineData("[|File.ReadAllLines(\"x\")|]", "Hub.Offload(() => File.ReadAllLines(\"x\"))")]
    [InlineData("[|Dns.GetHostEntry(\"x\")|]", "GreenDns.GetHostEntry(\"x\")")]
    [InlineData("_ = [|q.ToBlockingEnumerable()|]", "_ = Hub.Enumerate(q)")]
    public Task NG1002_gets_the_green_call(string blocking, string green) => Code.VerifyFixAsync<BlocksHubAnalyzer, GreenCallCodeFix>(In(blocking), In(green));

    [Theory]
    [InlineData("Hub.Await([|d.ExecuteScalarAsync()|])", "Hub.Await(token => d.ExecuteScalarAsync(token))")]
    [InlineData("Hub.Await([|f.ReadAsync(b, 0, 1)|])", "Hub.Await(token => f.ReadAsync(b, 0, 1, token))")]
    [InlineData("Hub.Await([|f.ReadAsync(b.AsMemory())|].AsTask())", "Hub.Await(token => f.ReadAsync(b.AsMemory(), token))")]
    public Task NG1006_gets_a_token(string without, string with) => Code.VerifyFixAsync<AwaitWithoutTokenAnalyzer, TokenCodeFix>(In(without), In(with));

    private static string In(string statement) =>
        $"    void M(Task<int> t, SemaphoreSlim s, System.Data.Common.DbCommand d, Stream f, byte[] b, int i, IAsyncEnumerable<int> q)\n    {{\n        Hub.Yield();\n        {statement};\n    }}";
}
