using NativeGreenlet.Analyzers.Rules;

namespace NativeGreenlet.Analyzers.Tests;

/// <summary>Each diagnostic appears where it should.</summary>
public sealed class DiagnosticTests
{
    [Theory]
    [InlineData("object _o = new(); void M() { lock (_o) { [|Hub.Sleep(TimeSpan.Zero)|]; } }")]
    [InlineData("Lock _l = new(); void M() { lock (_l) { [|Hub.Yield()|]; } }")]
    [InlineData("Lock _l = new(); void M() { using (_l.EnterScope()) { [|Hub.Yield()|]; } }")]
    [InlineData("Lock _l = new(); void M() { using var scope = _l.EnterScope(); [|Hub.Yield()|]; }")]
    [InlineData("Lock _l = new(); void M() { _l.Enter(); try { [|Hub.Yield()|]; } finally { _l.Exit(); } }")]
    [InlineData("object _o = new(); void M(Greenlet g) { Monitor.Enter(_o); try { [|g.Switch()|]; } finally { Monitor.Exit(_o); } }")]
    [InlineData("object _o = new(); void M(GreenEvent e) { if (Monitor.TryEnter(_o)) { try { [|e.Wait()|]; } finally { Monitor.Exit(_o); } } }")]
    [InlineData("Mutex _m = new(); void M(GreenQueue<int> q) { _m.WaitOne(); [|q.Get()|]; _m.ReleaseMutex(); }")]
    [InlineData("ReaderWriterLockSlim _r = new(); void M(GreenTask<int> t) { _r.EnterReadLock(); int i = [|t.Result|]; _r.ExitReadLock(); }")]
    [InlineData("ReaderWriterLockSlim _r = new(); void M(GreenChannel<int> c) { _r.EnterWriteLock(); try { [|c.Send(1)|]; } finally { _r.ExitWriteLock(); } }")]
    [InlineData("object _o = new(); void M(Coroutine<int, int> c) { lock (_o) { [|c.Resume(1)|]; } }")]
    [InlineData("object _o = new(); void M(GreenQueue<int> q) { lock (_o) { [|q.TryGet(TimeSpan.FromSeconds(1), out int i)|]; } }")]
    public Task NG1001_finds_waits_in_locks(string code) => Code.VerifyAsync<WaitInLockAnalyzer>(code);

    [Theory]
    [InlineData("void M() => Hub.Run(() => [|Thread.Sleep(1)|]);")]
    [InlineData("void M() => Hub.Run(() => { Hub.Spawn(() => [|Thread.Sleep(1)|]); });")]
    [InlineData("void M() => Hub.Run(async () => { await Task.Yield(); [|Thread.Sleep(1)|]; });")]
    [InlineData("void M() => Hub.Run(Work); void Work() => [|Thread.Sleep(1)|];")]
    [InlineData("void M() => Hub.Run(() => A()); void A() => B(); void B() { [|Thread.Sleep(1)|]; }")]
    [InlineData("void M(Task<int> t) { Hub.Yield(); int i = [|t.Result|]; }")]
    [InlineData("void M(Task<int> t) { Hub.Yield(); [|t.Wait()|]; int i = [|t.GetAwaiter().GetResult()|]; }")]
    [InlineData("void M(ValueTask<int> t) { Hub.Yield(); int i = [|t.ConfigureAwait(false).GetAwaiter().GetResult()|]; }")]
    [InlineData("void M(SemaphoreSlim s, ManualResetEventSlim e) { Hub.Yield(); [|s.Wait()|]; [|e.Wait()|]; }")]
    [InlineData("void M(IAsyncEnumerable<int> s) { Hub.Yield(); foreach (int i in [|s.ToBlockingEnumerable()|]) { } }")]
    [InlineData("void M(Socket s) { Hub.Yield(); [|s.Send(new byte[1])|]; [|s.Accept()|]; }")]
    [InlineData("void M(FileStream s, NetworkStream n) { Hub.Yield(); [|s.ReadByte()|]; [|n.Flush()|]; }")]
    [InlineData("void M() { Hub.Yield(); [|File.ReadAllText(\"x\")|]; [|File.ReadAllLines(\"x\")|]; [|Dns.GetHostEntry(\"x\")|]; }")]
    [InlineData("void M(HttpRequestMessage r) { Hub.Yield(); var c = new HttpClient(); [|c.Send(r)|]; }")]
    [InlineData("void M(HubPool p) => p.RunAsync(() => [|Thread.Sleep(1)|]);")]
    [InlineData("void M(GreenNursery n) => n.Spawn(() => [|Thread.Sleep(1)|]);")]
    [InlineData("void M(GreenPool p) => p.ForEach([1], i => [|Thread.Sleep(i)|]);")]
    [InlineData("object M() => new GreenTcpServer(new IPEndPoint(IPAddress.Loopback, 0), s => [|Thread.Sleep(1)|]);")]
    public Task NG1002_finds_blocking_calls_in_hubs(string code) => Code.VerifyAsync<BlocksHubAnalyzer>(code);

    [Theory]
    [InlineData("async void Work() => await Task.Yield(); void M() => Hub.Spawn([|Work|]);")]
    [InlineData("async void Work() => await Task.Yield(); object M() => new Greenlet([|Work|]);")]
    [InlineData("void M() { Action a = async () => await Task.Yield(); Hub.Run([|a|]); }")]
    [InlineData("void M() => Hub.Spawn([|(Action)(async () => await Task.Yield())|]);")]
    public Task NG1003_finds_functions_that_nobody_awaits(string code) => Code.VerifyAsync<AsyncVoidBodyAnalyzer>(code);

    [Theory]
    [InlineData("[ThreadStatic] static int t; int M() { Hub.Yield(); return [|t|]; }")]
    [InlineData("[ThreadStatic] static int t; int M() { t = 1; Hub.Yield(); return [|t|]; }")]
    [InlineData("ThreadLocal<int> t = new(); int M(Greenlet g) { g.Switch(); return [|t.Value|]; }")]
    [InlineData("[ThreadStatic] static int t; void M() { while (true) { Console.Write([|t|]); Hub.Yield(); } }")]
    public Task NG1004_finds_reads_after_waits(string code) => Code.VerifyAsync<ThreadStaticAfterWaitAnalyzer>(code);

    [Theory]
    [InlineData("true", "true", false)]
    [InlineData("true", "false", true)]
    [InlineData("", "true", true)]
    public Task NG1004_finds_nothing_where_values_of_threads_become_those_of_greenlets(string weavesProject, string threadLocals, bool isFound) =>
        Code.VerifyAsync<ThreadStaticAfterWaitAnalyzer>(
            $"[ThreadStatic] static int t; int M() {{ t = 1; Hub.Yield(); return {(isFound ? "[|t|]" : "t")}; }}",
            $"is_global = true\nbuild_property.GreenletWeaveProject = {weavesProject}\nbuild_property.GreenletWeaveThreadLocals = {threadLocals}\n");

    [Theory]
    [InlineData("async Task M(GreenletGenerator<int> g) { foreach (int i in g) { [|await Task.Yield()|]; } }")]
    [InlineData("void M(GreenletGenerator<int> g) => [|Parallel.ForEach(g, i => { })|];")]
    [InlineData("object M(GreenletGenerator<int> g) => [|g.AsParallel()|];")]
    public Task NG1005_finds_generators_that_leave_their_thread(string code) => Code.VerifyAsync<GeneratorLeavesThreadAnalyzer>(code);

    [Theory]
    [InlineData("object M(System.Data.Common.DbCommand c) => Hub.Await([|c.ExecuteScalarAsync()|]);")]
    [InlineData("void M(Stream s, byte[] b) { Hub.Await([|s.ReadAsync(b, 0, 1)|]); Hub.Await([|s.ReadAsync(b.AsMemory())|].AsTask()); }")]
    [InlineData("void M(HttpClient c) { Hub.Await([|c.GetStringAsync(\"x\")|]); }")]
    [InlineData("void M(Socket s, byte[] b) { Hub.Await([|s.ReceiveAsync(b.AsMemory())|]); }")]
    public Task NG1006_finds_operations_without_a_token(string code) => Code.VerifyAsync<AwaitWithoutTokenAnalyzer>(code);

    [Theory]
    [InlineData("Greenlet [|_g|] = new(() => { });")]
    [InlineData("Greenlet [|_g|]; C() => _g = new Greenlet(() => { });")]
    [InlineData("Coroutine<int, int> [|_c|] = new((c, i) => i); int M() => _c.Resume(1);")]
    [InlineData("class D : IDisposable { Greenlet [|_g|] = new(() => { }); public void Dispose() { } }")]
    public Task NG1007_finds_fields_that_are_never_disposed_of(string code) => Code.VerifyAsync<UndisposedFieldAnalyzer>(code);
}
