using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers.Rules;

/// <summary>NG1006: finds Hub.Await of an operation on a connection that could take a token.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class AwaitWithoutTokenAnalyzer : DiagnosticAnalyzer
{
    private const string Token = "System.Threading.CancellationToken";

    private static readonly ImmutableHashSet<string> s_connections =
    [
        "System.Data.Common.DbBatch", "System.Data.Common.DbCommand", "System.Data.Common.DbConnection", "System.Data.Common.DbDataReader", "System.Data.Common.DbTransaction",
        "System.IO.Stream", "System.Net.Http.HttpMessageInvoker", "System.Net.Sockets.Socket", "System.Net.Sockets.TcpClient", "System.Net.Sockets.UdpClient",
        "System.Net.WebSockets.WebSocket",
    ];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Descriptors.AwaitWithoutToken];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(Look, OperationKind.Invocation);
    }

    private static void Look(OperationAnalysisContext context)
    {
        IInvocationOperation wait = (IInvocationOperation)context.Operation;
        if (!Layer.IsOurs(wait.TargetMethod) || Layer.NameOf(wait.TargetMethod) != "Hub.Await" || wait.Arguments.Length != 1)
        {
            return;
        }

        IOperation value = Layer.Unwrap(wait.Arguments[0].Value);
        while (value is IInvocationOperation { TargetMethod.Name: "AsTask" or "ConfigureAwait", Instance: { } inner })
        {
            value = Layer.Unwrap(inner);
        }

        if (value is IInvocationOperation { Instance: { } connection } operation
            && Layer.BasesOf(Layer.Unwrap(connection).Type).Any(each => s_connections.Contains($"{each.ContainingNamespace?.ToDisplayString()}.{each.Name}"))
            && !Layer.Is(Layer.Unwrap(connection).Type, "System.IO.MemoryStream") && !Layer.IsOurs(Layer.Unwrap(connection).Type)
            && LacksToken(operation))
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.AwaitWithoutToken, operation.Syntax.GetLocation(), Layer.NameOf(operation.TargetMethod)));
        }
    }

    // The token is left out, or another form takes one as its last argument.
    private static bool LacksToken(IInvocationOperation operation)
    {
        IMethodSymbol method = operation.TargetMethod;
        if (operation.Arguments.FirstOrDefault(each => Layer.Is(each.Parameter?.Type, Token)) is { } token)
        {
            return token.ArgumentKind == ArgumentKind.DefaultValue;
        }

        return Layer.BasesOf(operation.Instance?.Type).SelectMany(type => type.GetMembers(method.Name)).OfType<IMethodSymbol>().Any(other =>
            other.Parameters.Length == method.Parameters.Length + 1
            && Layer.Is(other.Parameters[other.Parameters.Length - 1].Type, Token)
            && other.Parameters.Zip(method.Parameters, (one, two) => SymbolEqualityComparer.Default.Equals(one.Type, two.Type)).All(isSame => isSame));
    }
}
