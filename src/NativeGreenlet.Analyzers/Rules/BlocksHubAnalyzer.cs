using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers.Rules;

/// <summary>NG1002: finds calls in a hub that block its thread.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class BlocksHubAnalyzer : DiagnosticAnalyzer
{
    private const string Threading = "System.Threading.";
    private const string Tasks = "System.Threading.Tasks.";
    private const string Compiler = "System.Runtime.CompilerServices.";
    private const string Offload = "Hub.Offload";

    private static readonly ImmutableDictionary<string, string> s_calls = new Dictionary<string, string>
    {
        [Threading + "Thread.Sleep"] = "Hub.Sleep",
        [Threading + "Thread.Join"] = "Hub.Offload, or a task and its Join",
        [Threading + "SemaphoreSlim.Wait"] = "Hub.Await(token => semaphore.WaitAsync(token)), or GreenSemaphore",
        [Threading + "ManualResetEventSlim.Wait"] = "GreenEvent",
        [Threading + "CountdownEvent.Wait"] = "GreenCountdown",
        [Threading + "Barrier.SignalAndWait"] = "GreenBarrier",
        [Threading + "WaitHandle.WaitOne"] = "GreenEvent",
        [Threading + "WaitHandle.WaitAll"] = "Hub.WaitAll",
        [Threading + "WaitHandle.WaitAny"] = "Hub.WaitAny",
        [Threading + "Monitor.Wait"] = "GreenCondition",
        [Tasks + "Task.Wait"] = "Hub.Await",
        [Tasks + "Task.WaitAll"] = "Hub.Await(Task.WhenAll(...))",
        [Tasks + "Task.WaitAny"] = "Hub.Await(Task.WhenAny(...))",
        [Tasks + "TaskAsyncEnumerableExtensions.ToBlockingEnumerable"] = "Hub.Enumerate",
        [Tasks + "Parallel.For"] = "GreenPool",
        [Tasks + "Parallel.ForEach"] = "GreenPool",
        [Compiler + "TaskAwaiter.GetResult"] = "Hub.Await",
        [Compiler + "ValueTaskAwaiter.GetResult"] = "Hub.Await",
        [Compiler + "ConfiguredTaskAwaiter.GetResult"] = "Hub.Await",
        [Compiler + "ConfiguredValueTaskAwaiter.GetResult"] = "Hub.Await",
        ["System.Diagnostics.Process.WaitForExit"] = "GreenProcess.Run",
        ["System.Collections.Concurrent.BlockingCollection.Take"] = "GreenQueue",
        ["System.Net.Dns.GetHostAddresses"] = "GreenDns",
        ["System.Net.Dns.GetHostEntry"] = "GreenDns",
    }.ToImmutableDictionary();

    private static readonly ImmutableHashSet<string> s_sockets = ["Accept", "Connect", "Receive", "ReceiveFrom", "Send", "SendTo", "SendFile"];
    private static readonly ImmutableHashSet<string> s_streams = ["Read", "ReadByte", "ReadExactly", "ReadAtLeast", "Write", "WriteByte", "Flush", "CopyTo"];
    private static readonly ImmutableHashSet<string> s_blockingStreams =
        ["System.IO.FileStream", "System.Net.Sockets.NetworkStream", "System.Net.Security.SslStream", "System.IO.Pipes.PipeStream"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Descriptors.BlocksHub];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(Look, OperationKind.Invocation, OperationKind.PropertyReference);
    }

    private static void Look(OperationAnalysisContext context)
    {
        (string Name, string Twin)? call = context.Operation switch
        {
            IInvocationOperation invocation => Call(invocation),
            IPropertyReferenceOperation { Property: { Name: "Result" } property } result when IsTask(property.ContainingType) && !IsKnownToBeDone(result, result.Instance)
                => (Layer.NameOf(property), "Hub.Await"),
            _ => null,
        };
        if (call is var (name, twin) && Layer.RunsInHub(context.Operation))
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.BlocksHub, context.Operation.Syntax.GetLocation(), name, twin));
        }
    }

    private static (string, string)? Call(IInvocationOperation call)
    {
        IMethodSymbol method = call.TargetMethod;
        string name = Layer.NameOf(method);
        INamedTypeSymbol type = method.ContainingType;
        string space = method.ContainingNamespace.ToDisplayString();
        if (IsTry(call))
        {
            return null;
        }

        if (s_calls.TryGetValue($"{space}.{name}", out string? twin))
        {
            bool isDone = method.Name switch
            {
                "GetResult" => IsKnownToBeDone(call, (call.Instance as IInvocationOperation)?.Instance),
                "Wait" when IsTask(type) => IsKnownToBeDone(call, call.Instance),
                _ => false,
            };
            return isDone ? null : (name, twin);
        }

        return space switch
        {
            "System.IO" when type.Name == "File" && IsWholeFile(method) => (name, IsInGreenFile(method) ? "GreenFile" : Offload),
            "System.Net.Sockets" when type.Name == "Socket" && s_sockets.Contains(method.Name) => (name, "GreenSocket"),
            "System.Net.Sockets" when type.Name is "TcpClient" && method.Name == "Connect" => (name, "GreenSocket.Connect"),
            "System.Net.Sockets" when type.Name is "TcpListener" && method.Name is "AcceptSocket" or "AcceptTcpClient" => (name, "GreenTcpServer"),
            "System.Net.Http" when method.Name == "Send" && type.Name is "HttpClient" or "HttpMessageInvoker" && IsPlainClient(call)
                => (name, "new HttpClient(new GreenHttpHandler())"),
            _ when s_streams.Contains(method.Name) && Layer.Is(type, "System.IO.Stream") && call.Instance is { } stream
                && s_blockingStreams.Any(each => Layer.Is(Layer.Unwrap(stream).Type, each)) => (name, "GreenStream"),
            _ => null,
        };
    }

    private static bool IsTask(INamedTypeSymbol type) => type.Name is "Task" or "ValueTask" && type.ContainingNamespace.ToDisplayString() == "System.Threading.Tasks";

    // Wait(0), WaitOne(TimeSpan.Zero), Sleep(0): they look, and do not wait.
    private static bool IsTry(IInvocationOperation call) => call.Arguments.Any(argument => argument.Parameter?.Type.Name is "Int32" or "TimeSpan"
        && (argument.Value.ConstantValue is { HasValue: true, Value: 0 } || argument.Value.Syntax.ToString().EndsWith("TimeSpan.Zero", StringComparison.Ordinal)));

    private static bool IsWholeFile(IMethodSymbol method) =>
        !method.Name.EndsWith("Async", StringComparison.Ordinal)
        && (method.Name.StartsWith("ReadAll", StringComparison.Ordinal) || method.Name.StartsWith("WriteAll", StringComparison.Ordinal) || method.Name.StartsWith("AppendAll", StringComparison.Ordinal));

    /// <summary>Whether GreenFile has the same method.</summary>
    private static bool IsInGreenFile(IMethodSymbol method) => method.Name is "ReadAllText" or "ReadAllBytes" or "WriteAllText" or "WriteAllBytes";

    // new HttpClient(), or with another handler than GreenHttpHandler, as far as can be seen here.
    private static bool IsPlainClient(IInvocationOperation call)
    {
        IOperation? client = call.Instance is null ? null : Layer.Unwrap(call.Instance);
        SyntaxNode? declaration = client switch
        {
            IObjectCreationOperation creation => creation.Syntax,
            ILocalReferenceOperation local => local.Local.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(),
            IFieldReferenceOperation field => field.Field.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(),
            _ => null,
        };
        string text = declaration?.ToString() ?? string.Empty;
        return text.Contains("new HttpClient()") || text.Contains("new()") || text.Contains("HttpClientHandler") || text.Contains("SocketsHttpHandler")
            ? !text.Contains("Green") : false;
    }

    // After Hub.Await(task) or Hub.Await(Task.WhenAll(...)), or beside a question whether it is completed.
    private static bool IsKnownToBeDone(IOperation use, IOperation? task)
    {
        string text = task is null ? string.Empty : Layer.Unwrap(task).Syntax.ToString();
        foreach (IOperation each in Layer.InFunction(Layer.FunctionOf(use)))
        {
            if (each.Syntax.SpanStart >= use.Syntax.SpanStart)
            {
                continue;
            }

            if (each is IInvocationOperation { TargetMethod.Name: "Await" } wait && Layer.IsOurs(wait.TargetMethod)
                && wait.Arguments.Any(argument => IsThatTask(argument.Value)))
            {
                return true;
            }

            if (each is IAwaitOperation awaited && IsThatTask(awaited.Operation))
            {
                return true;
            }

            if (each is IPropertyReferenceOperation { Property.Name: "IsCompleted" or "IsCompletedSuccessfully" } question
                && question.Instance?.Syntax.ToString() == text)
            {
                return true;
            }
        }

        return task is not null && Layer.Unwrap(task) is IInvocationOperation { TargetMethod.Name: "FromResult" };

        bool IsThatTask(IOperation value) => Layer.Unwrap(value) switch
        {
            IInvocationOperation { TargetMethod.Name: "WhenAll" } => true,
            IInvocationOperation { TargetMethod.Name: "WhenAny" or "ConfigureAwait" or "WaitAsync" } inner => inner.Syntax.ToString().Contains(text),
            var other => text.Length != 0 && other.Syntax.ToString() == text,
        };
    }
}
