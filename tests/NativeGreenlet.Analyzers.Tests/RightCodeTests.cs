using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace NativeGreenlet.Analyzers.Tests;

/// <summary>No diagnostic appears in code that is right.</summary>
public sealed class RightCodeTests
{
    [Theory]
    [InlineData("object _o = new(); void M() { lock (_o) { } Hub.Yield(); }")]
    [InlineData("object _o = new(); void M() { lock (_o) { Hub.Spawn(() => Hub.Yield()); } }")]
    [InlineData("object _o = new(); void M() { Monitor.Enter(_o); try { } finally { Monitor.Exit(_o); } Hub.Yield(); }")]
    [InlineData("object _o = new(); void M() { while (!Monitor.TryEnter(_o)) { Hub.Yield(); } Monitor.Exit(_o); }")]
    [InlineData("object _o = new(); void M() { if (!Monitor.TryEnter(_o)) { Hub.Yield(); return; } Monitor.Exit(_o); }")]
    [InlineData("Lock _l = new(); void M() { using (_l.EnterScope()) { } Hub.Yield(); }")]
    [InlineData("GreenLock _l = new(); void M() { using (_l.EnterScope()) { Hub.Yield(); } }")]
    [InlineData("object _o = new(); void M(GreenQueue<int> q) { lock (_o) { q.TryGet(out int i); q.TryPut(i); } }")]
    [InlineData("void M() => Thread.Sleep(1);")]
    [InlineData("void M() => Hub.Run(() => Hub.Offload(() => Thread.Sleep(1)));")]
    [InlineData("void M() => Hub.Run(() => { Task.Run(() => Thread.Sleep(1)); });")]
    [InlineData("void M() => Hub.Run(() => { new Thread(() => Thread.Sleep(1)).Start(); });")]
    [InlineData("void M() { if (Hub.IsInside) { Hub.Sleep(TimeSpan.Zero); } else { Thread.Sleep(1); } }")]
    [InlineData("int M(Task<int> t) { Hub.Await(t); return t.Result; }")]
    [InlineData("int M(Task<int> t, Task<int> u) { Hub.Await(Task.WhenAll(t, u)); return t.Result + u.Result; }")]
    [InlineData("int M(Task<int> t) { Hub.Yield(); return t.IsCompletedSuccessfully ? t.Result : 0; }")]
    [InlineData("bool M(SemaphoreSlim s, Task t) { Hub.Yield(); return s.Wait(0) || t.Wait(TimeSpan.Zero); }")]
    [InlineData("void M(Stream s, GreenStream g) { Hub.Yield(); s.ReadByte(); g.ReadByte(); new MemoryStream().Flush(); }")]
    [InlineData("void M(HttpRequestMessage r) { Hub.Yield(); var c = new HttpClient(new GreenHttpHandler()); c.Send(r); }")]
    [InlineData("void M() { Hub.Yield(); GreenFile.ReadAllText(\"x\"); GreenDns.GetHostEntry(\"x\"); }")]
    [InlineData("void M() => Hub.Spawn(async () => await Task.Yield());")]
    [InlineData("async Task Work() => await Task.Yield(); void M() => Hub.Spawn(Work);")]
    [InlineData("event Action E; void M() => E += async () => await Task.Yield();")]
    [InlineData("[ThreadStatic] static int t; int M() { int i = t; Hub.Yield(); return i; }")]
    [InlineData("[ThreadStatic] static int t; int M() { Hub.Yield(); t = 1; return t; }")]
    [InlineData("[ThreadStatic] static byte[] t; byte[] M() { Hub.Yield(); return t ??= new byte[1]; }")]
    [InlineData("GreenletLocal<int> t = new(); int M() { Hub.Yield(); return t.Value; }")]
    [InlineData("async Task M(GreenletGenerator<int> g) { foreach (int i in g.ToList()) { await Task.Yield(); } }")]
    [InlineData("void M(GreenletGenerator<int> g) => Hub.Run(async () => { foreach (int i in g) { await Task.Yield(); } });")]
    [InlineData("void M(GreenletGenerator<int> g) => Parallel.ForEach(g.ToList(), i => { });")]
    [InlineData("object M(System.Data.Common.DbCommand c) => Hub.Await(token => c.ExecuteScalarAsync(token));")]
    [InlineData("object M(System.Data.Common.DbCommand c, CancellationToken t) => Hub.Await(c.ExecuteScalarAsync(t));")]
    [InlineData("void M() => Hub.Await(Task.Delay(1));")]
    [InlineData("class D : IDisposable { Greenlet _g = new(() => { }); public void Dispose() => _g.Dispose(); }")]
    [InlineData("class D : IDisposable { Coroutine<int, int>? _c; D() { _c = new((c, i) => i); } public void Dispose() => _c?.Dispose(); }")]
    [InlineData("Greenlet _g; C(Greenlet g) => _g = g;")]
    [InlineData("void M() { using Greenlet g = new(() => { }); g.Switch(); }")]
    public async Task Nothing_is_said_about_right_code(string code) =>
        Assert.Empty(await Code.AnalyzeAsync([Code.Class(code)]));

    [Fact]
    public async Task Nothing_is_said_about_the_samples()
    {
        const string Usings = "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";
        const string WebUsings = "global using Microsoft.AspNetCore.Builder; global using Microsoft.AspNetCore.Hosting; global using Microsoft.AspNetCore.Http; global using Microsoft.Extensions.DependencyInjection; global using Microsoft.Extensions.Hosting; global using Microsoft.Extensions.Logging;";
        const string OrleansUsings = "global using Orleans; global using Orleans.Hosting; global using Orleans.Runtime;";
        string[] samples = [.. Directory.GetDirectories(Path.Combine(Root(), "samples")).Where(folder => Path.GetFileName(folder) != "common")];
        Assert.NotEmpty(samples);
        foreach (string sample in samples)
        {
            string[] files = Directory.GetFiles(sample, "*.cs", SearchOption.AllDirectories);
            if (files.Length != 0)
            {
                string project = File.ReadAllText(Directory.GetFiles(sample, "*.csproj").Single());
                IEnumerable<string> shared = from item in XElement.Parse(project).Descendants("Compile")
                                             select Path.Combine(sample, item.Attribute("Include")!.Value);
                string[] texts =
                [
                    Usings,
                    project.Contains("Microsoft.NET.Sdk.Web", StringComparison.Ordinal) ? WebUsings : string.Empty,
                    project.Contains("Microsoft.Orleans", StringComparison.Ordinal) ? OrleansUsings : string.Empty,
                    .. files.Concat(shared).Select(File.ReadAllText),
                ];
                Assert.Empty(await Code.AnalyzeAsync(texts, OutputKind.ConsoleApplication, Code.AllReferences));
            }
        }
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "NativeGreenlet.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }
}
