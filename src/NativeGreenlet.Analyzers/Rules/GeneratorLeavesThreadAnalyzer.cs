using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers.Rules;

/// <summary>NG1005: finds generators that are enumerated on several threads.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class GeneratorLeavesThreadAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Descriptors.GeneratorLeavesThread];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(LookAtAwait, OperationKind.Await);
        context.RegisterOperationAction(LookAtCall, OperationKind.Invocation);
    }

    // In a hub an await comes back to its thread.
    private static void LookAtAwait(OperationAnalysisContext context)
    {
        bool isInLoop = Layer.Around(context.Operation).Any(each =>
            each is IForEachLoopOperation loop && IsGenerator(loop.Collection) && loop.Body.Syntax.Span.Contains(context.Operation.Syntax.Span));
        if (isInLoop && !Layer.RunsInHub(context.Operation))
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.GeneratorLeavesThread, context.Operation.Syntax.GetLocation(), "what follows an await"));
        }
    }

    private static void LookAtCall(OperationAnalysisContext context)
    {
        IInvocationOperation call = (IInvocationOperation)context.Operation;
        IMethodSymbol method = call.TargetMethod;
        string name = $"{method.ContainingNamespace.ToDisplayString()}.{Layer.NameOf(method)}";
        if (name is "System.Threading.Tasks.Parallel.ForEach" or "System.Threading.Tasks.Parallel.ForEachAsync" or "System.Linq.ParallelEnumerable.AsParallel"
            && call.Arguments.Any(argument => IsGenerator(argument.Value)))
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.GeneratorLeavesThread, call.Syntax.GetLocation(), Layer.NameOf(method)));
        }
    }

    private static bool IsGenerator(IOperation value) => Layer.IsCoreType(Layer.Unwrap(value).Type, "GreenletGenerator");
}
