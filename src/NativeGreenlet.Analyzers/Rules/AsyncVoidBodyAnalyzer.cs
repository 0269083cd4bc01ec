using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers.Rules;

/// <summary>NG1003: finds async void functions given to the library.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class AsyncVoidBodyAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Descriptors.AsyncVoidBody];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(Look, OperationKind.Argument);
    }

    private static void Look(OperationAnalysisContext context)
    {
        IArgumentOperation argument = (IArgumentOperation)context.Operation;
        IMethodSymbol? taker = argument.Parent switch
        {
            IInvocationOperation invocation => invocation.TargetMethod,
            IObjectCreationOperation creation => creation.Constructor,
            _ => null,
        };
        if (Layer.IsOurs(taker) && FunctionIn(argument.Value) is { IsAsync: true, ReturnsVoid: true })
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.AsyncVoidBody, argument.Value.Syntax.GetLocation(), argument.Value.Syntax.ToString().Split('\n')[0].Trim()));
        }
    }

    private static IMethodSymbol? FunctionIn(IOperation value)
    {
        IOperation each = value;
        while (true)
        {
            switch (each)
            {
                case IConversionOperation conversion:
                    each = conversion.Operand;
                    break;
                case IDelegateCreationOperation creation:
                    each = creation.Target;
                    break;
                case IAnonymousFunctionOperation lambda:
                    return lambda.Symbol;
                case IMethodReferenceOperation reference:
                    return reference.Method;
                // Action body = async () => ...; Hub.Spawn(body);
                case ILocalReferenceOperation local when local.Local.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax()
                    is VariableDeclaratorSyntax { Initializer.Value: { } initial } && each.SemanticModel?.GetOperation(initial) is { } first && first != each:
                    each = first;
                    break;
                default:
                    return null;
            }
        }
    }
}
