using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Which overload the compiler takes for which form of a body, and which forms it refuses.</summary>
public class BodyFormTests
{
    private const string NoAwait = "cannot await";

    private static readonly MetadataReference[] s_references = References();

    /// <summary>Forms that compile, with the type of the expression.</summary>
    public static TheoryData<string, string> Accepted => new()
    {
        // Plain, asynchronous, throwing, endless, of null: of all that start tasks.
        { "Hub.Spawn(() => { })", "GreenTask" },
        { "Hub.Spawn(() => 1)", "GreenTask<int>" },
        { "Hub.Spawn(() => Work())", "GreenTask" },
        { "Hub.Spawn(Work)", "GreenTask" },
        { "Hub.Spawn(Number)", "GreenTask<int>" },
        { "Hub.Spawn(() => throw new FormatException())", "GreenTask" },
        { "Hub.Spawn(() => { throw new FormatException(); })", "GreenTask" },
        { "Hub.Spawn(() => { while (true) { Hub.Yield(); } })", "GreenTask" },
        { "Hub.Spawn<int>(() => throw new FormatException())", "GreenTask<int>" },
        { "Hub.Spawn<string?>(() => null)", "GreenTask<string?>" },
        { "Hub.Spawn(string? () => null)", "GreenTask<string?>" },
        { "Hub.Offload<string?>(() => null)", "string?" },
        { "Hub.Spawn(int () => throw new FormatException())", "GreenTask<int>" },
        { "Hub.Spawn(async () => await Task.Yield())", "GreenTask" },
        { "Hub.Spawn(async () => { await Task.Yield(); return 1; })", "GreenTask<int>" },
        { "Hub.Spawn(async () => { while (true) { await Task.Yield(); } })", "GreenTask" },
        { "Hub.Spawn(async () => { await Task.Yield(); throw new FormatException(); })", "GreenTask" },
        { "Hub.Spawn<int>(async () => { await Task.Yield(); throw new FormatException(); })", "GreenTask<int>" },
        { "Hub.Spawn(() => WorkAsync())", "GreenTask" },
        { "Hub.Spawn(WorkAsync)", "GreenTask" },
        { "Hub.Spawn(() => NumberAsync())", "GreenTask<int>" },
        { "Hub.Spawn(NumberAsync)", "GreenTask<int>" },
        { "Hub.SpawnLater(TimeSpan.Zero, () => { })", "GreenTask" },
        { "Hub.SpawnLater(TimeSpan.Zero, async () => 1)", "GreenTask<int>" },
        { "Hub.SpawnLater(TimeSpan.Zero, WorkAsync)", "GreenTask" },
        { "Hub.SpawnLater<int>(TimeSpan.Zero, () => throw new FormatException())", "GreenTask<int>" },
        { "Hub.Run(() => { })", "void" },
        { "Hub.Run(Work)", "void" },
        { "Hub.Run(() => 1)", "int" },
        { "Hub.Run(() => { }, new HubOptions())", "void" },
        { "Hub.Run(() => throw new FormatException())", "void" },
        { "Hub.Run<int>(() => throw new FormatException())", "int" },
        { "Hub.Run(async () => { await Task.Yield(); })", "void" },
        { "Hub.Run(async () => 1)", "int" },
        { "Hub.Run(NumberAsync, new HubOptions())", "int" },
        { "Hub.RunAsync(() => { })", "Task" },
        { "Hub.RunAsync(() => 1)", "Task<int>" },
        { "Hub.RunAsync(async () => { await Task.Yield(); })", "Task" },
        { "Hub.RunAsync(async () => 1, CancellationToken.None)", "Task<int>" },
        { "Hub.RunAsync(() => throw new FormatException())", "Task" },
        { "Hub.RunAsync<int>(() => throw new FormatException())", "Task<int>" },
        { "Hub.RunAsync(WorkAsync)", "Task" },
        { "hub.InvokeAsync(() => { })", "Task" },
        { "hub.InvokeAsync(() => 1)", "Task<int>" },
        { "hub.InvokeAsync(async () => { await Task.Yield(); })", "Task" },
        { "hub.InvokeAsync(async () => 1)", "Task<int>" },
        { "hub.InvokeAsync(() => throw new FormatException())", "Task" },
        { "hub.InvokeAsync(NumberAsync, CancellationToken.None)", "Task<int>" },
        { "pool.RunAsync(async () => { await Task.Yield(); })", "Task" },
        { "pool.RunAsync(async () => 1)", "Task<int>" },
        { "pool.RunAsync(Number)", "Task<int>" },
        { "Hub.Offload(() => { })", "void" },
        { "Hub.Offload(() => 1)", "int" },
        { "Hub.Offload(async () => { await Task.Yield(); })", "void" },
        { "Hub.Offload(async () => 1)", "int" },
        { "Hub.Offload(() => throw new FormatException())", "void" },
        { "Hub.OffloadLongRunning(() => { })", "void" },
        { "Hub.OffloadLongRunning(() => 1)", "int" },
        { "Hub.OffloadLongRunning(async () => { await Task.Yield(); })", "void" },
        { "Hub.OffloadLongRunning(async () => 1)", "int" },
        { "tasks.Spawn(() => { })", "GreenTask" },
        { "tasks.Spawn(() => throw new FormatException())", "GreenTask" },
        { "tasks.Spawn(async () => { await Task.Yield(); })", "GreenTask" },
        { "tasks.Spawn(async () => 1)", "GreenTask<int>" },
        { "tasks.Map(items, i => i * 2)", "IReadOnlyList<int>" },
        { "tasks.Map(items, async i => i * 2)", "IReadOnlyList<int>" },
        { "tasks.Map<int, int>(items, i => throw new FormatException())", "IReadOnlyList<int>" },
        { "tasks.Map<int, object?>(items, i => null)", "IReadOnlyList<object?>" },
        { "tasks.MapInOrder(items, async i => i * 2)", "IEnumerable<int>" },
        { "tasks.MapUnordered(items, async i => i * 2)", "IEnumerable<int>" },
        { "tasks.ForEach(items, i => { })", "void" },
        { "tasks.ForEach(items, i => throw new FormatException())", "void" },
        { "tasks.ForEach(items, Use)", "void" },
        { "pool.MapAsync(items, async i => i * 2, 1)", "IAsyncEnumerable<int>" },
        { "pool.MapAsync(items, i => i * 2, 1)", "IAsyncEnumerable<int>" },
        { "nursery.Spawn(() => { })", "GreenTask" },
        { "nursery.Spawn(async () => { await Task.Yield(); })", "GreenTask" },
        { "nursery.Spawn(async () => 1)", "GreenTask<int>" },
        { "GreenNursery.Run(n => { n.Spawn(Work); })", "void" },
        { "GreenNursery.Run(async n => { await Task.Yield(); })", "void" },
        { "GreenNursery.Run(n => throw new FormatException())", "void" },
        { "new GreenTcpServer(null!, s => { })", "GreenTcpServer" },
        { "new GreenTcpServer(null!, s => s.CopyTo(s))", "GreenTcpServer" },
        { "new GreenTcpServer(null!, async s => { await Task.Yield(); })", "GreenTcpServer" },
        { "new GreenTcpServer(null!, s => throw new FormatException())", "GreenTcpServer" },
        { "Hub.OnSignal(default, () => { })", "IDisposable" },
        { "Hub.OnSignal(default, async () => { await Task.Yield(); })", "IDisposable" },
        { "hub.Post(() => { })", "void" },
        { "hub.Post(() => throw new FormatException())", "void" },
        { "task.OnCompleted(() => { })", "void" },
        { "task.OnCompleted(t => { })", "void" },
        { "task.OnCompleted(() => throw new FormatException())", "void" },
        { "task.OnCompleted(t => throw new FormatException())", "void" },
        { "GreenTimeout.TryRun(TimeSpan.Zero, () => { })", "bool" },
        { "GreenTimeout.TryRun(TimeSpan.Zero, () => throw new FormatException())", "bool" },
        { "GreenTimeout.Run(TimeSpan.Zero, () => 1)", "int" },
        { "GreenTimeout.Run<int>(TimeSpan.Zero, () => throw new FormatException())", "int" },
        { "GreenTimeout.Run<string?>(TimeSpan.Zero, () => null)", "string?" },
        { "new Greenlet(() => { })", "Greenlet" },
        { "new Greenlet(() => 1)", "Greenlet" },
        { "new Greenlet(() => null)", "Greenlet" },
        { "new Greenlet(x => x)", "Greenlet" },
        { "new Greenlet(Work)", "Greenlet" },
        { "new Greenlet(() => throw new FormatException())", "Greenlet" },
        { "new Greenlet(() => { while (true) { Greenlet.Current.Parent!.Switch(); } })", "Greenlet" },
        { "new Greenlet(x => throw new FormatException())", "Greenlet" },
        { "new Greenlet(x => x, new GreenletOptions())", "Greenlet" },
        { "new GreenletGenerator<int>(() => { })", "GreenletGenerator<int>" },
        { "new GreenletGenerator<int>(() => { while (true) { GreenletGenerator<int>.Yield(1); } })", "GreenletGenerator<int>" },
        { "new GreenletGenerator<int>(() => throw new FormatException())", "GreenletGenerator<int>" },
    };

    /// <summary>Forms that the compiler refuses, with what it says.</summary>
    public static TheoryData<string, string> Refused => new()
    {
        { "new Greenlet(async () => { await Task.Yield(); })", NoAwait },
        { "new Greenlet(async () => { while (true) { await Task.Yield(); } })", NoAwait },
        { "new Greenlet(() => WorkAsync())", NoAwait },
        { "new Greenlet(WorkAsync)", NoAwait },
        { "new Greenlet(async () => { await Task.Yield(); }, null)", NoAwait },
        { "new GreenletGenerator<int>(async () => { await Task.Yield(); })", NoAwait },
        { "tasks.ForEach(items, async i => { await Task.Yield(); })", "does not await" },
        { "tasks.ForEach(items, i => WorkAsync())", "does not await" },
        { "hub.Post(async () => { await Task.Yield(); })", NoAwait },
        { "hub.Post(WorkAsync)", NoAwait },
        { "task.OnCompleted(async () => { await Task.Yield(); })", NoAwait },
        { "task.OnCompleted(async t => { await Task.Yield(); })", NoAwait },
        { "GreenTimeout.TryRun(TimeSpan.Zero, async () => { await Task.Yield(); })", "not an await" },
        { "GreenTimeout.Run(TimeSpan.Zero, async () => 1)", "not an await" },
        { "GreenTimeout.Run(TimeSpan.Zero, async () => { await Task.Yield(); })", "not an await" },
    };

    [Theory]
    [MemberData(nameof(Accepted))]
    public void The_compiler_takes_the_form_that_is_meant(string expression, string type)
    {
        (Diagnostic[] errors, string found) = Compile(expression);
        Assert.Empty(errors.Select(error => error.GetMessage()));
        Assert.Equal(type, found);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void The_compiler_refuses_a_body_that_would_be_lost_and_says_what_to_do(string expression, string says)
    {
        (Diagnostic[] errors, _) = Compile(expression);
        Diagnostic error = Assert.Single(errors);
        Assert.Equal("CS0619", error.Id);
        Assert.Contains(says, error.GetMessage(), StringComparison.Ordinal);
    }

    private static (Diagnostic[] Errors, string Type) Compile(string expression)
    {
        SyntaxTree tree = CSharpSyntaxTree.ParseText($$"""
            #nullable enable
            using System;
            using System.Collections.Generic;
            using System.Threading;
            using System.Threading.Tasks;
            using NativeGreenlet;
            using NativeGreenlet.Cooperative;

            static class Program
            {
                static void Main() { }
                static void Use(Hub hub, HubPool pool, GreenPool tasks, GreenNursery nursery, GreenTask task, int[] items)
                {
                    {{expression}};
                }

                static void Work() { }
                static int Number() => 1;
                static void Use(int item) { }
                static async Task WorkAsync() => await Task.Yield();
                static async Task<int> NumberAsync() { await Task.Yield(); return 1; }
            }
            """);
        CSharpCompilation compilation = CSharpCompilation.Create("form", [tree], s_references);
        SyntaxNode body = tree.GetRoot().DescendantNodes().OfType<Microsoft.CodeAnalysis.CSharp.Syntax.ExpressionStatementSyntax>().First().Expression;
        string type = compilation.GetSemanticModel(tree).GetTypeInfo(body).Type!.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
        return ([.. compilation.GetDiagnostics().Where(each => each.Severity == DiagnosticSeverity.Error || each.Id.StartsWith("CS86", StringComparison.Ordinal))], type);
    }

    private static MetadataReference[] References()
    {
        string[] paths = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        return [.. paths.Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal) || Path.GetFileName(path) is "netstandard.dll").Append(typeof(Greenlet).Assembly.Location).Append(typeof(Hub).Assembly.Location).Distinct().Select(path => MetadataReference.CreateFromFile(path))];
    }
}
