using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers.Rules;

/// <summary>NG1007: finds fields whose greenlet or coroutine their type makes and never disposes of.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UndisposedFieldAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Descriptors.UndisposedField];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterSymbolStartAction(Start, SymbolKind.NamedType);
    }

    private static void Start(SymbolStartAnalysisContext context)
    {
        INamedTypeSymbol owner = (INamedTypeSymbol)context.Symbol;
        IFieldSymbol[] fields = [.. owner.GetMembers().OfType<IFieldSymbol>().Where(field => !field.IsStatic && !field.IsImplicitlyDeclared && KindOf(field.Type) is not null)];
        if (fields.Length == 0)
        {
            return;
        }

        ConcurrentDictionary<ISymbol, bool> made = new(SymbolEqualityComparer.Default);
        ConcurrentDictionary<ISymbol, bool> givenAway = new(SymbolEqualityComparer.Default);
        context.RegisterOperationAction(
            operation =>
            {
                IFieldReferenceOperation use = (IFieldReferenceOperation)operation.Operation;
                if (use.Parent is IAssignmentOperation assignment && assignment.Target == use)
                {
                    if (Layer.Unwrap(assignment.Value) is IObjectCreationOperation)
                    {
                        made[use.Field] = true;
                    }
                }
                else if (IsGivenAway(use))
                {
                    givenAway[use.Field] = true;
                }
            },
            OperationKind.FieldReference);
        context.RegisterOperationAction(
            operation =>
            {
                IFieldInitializerOperation initializer = (IFieldInitializerOperation)operation.Operation;
                if (Layer.Unwrap(initializer.Value) is IObjectCreationOperation)
                {
                    foreach (IFieldSymbol field in initializer.InitializedFields)
                    {
                        made[field] = true;
                    }
                }
            },
            OperationKind.FieldInitializer);
        context.RegisterSymbolEndAction(end =>
        {
            bool isDisposable = owner.AllInterfaces.Any(each => each.Name is "IDisposable" or "IAsyncDisposable" && each.ContainingNamespace.ToDisplayString() == "System");
            foreach (IFieldSymbol field in fields.Where(field => made.ContainsKey(field) && !givenAway.ContainsKey(field)))
            {
                end.ReportDiagnostic(Diagnostic.Create(
                    Descriptors.UndisposedField, field.Locations[0], field.Name, KindOf(field.Type),
                    isDisposable ? $"Dispose of it where '{owner.Name}' is disposed of." : $"Make '{owner.Name}' IDisposable, and dispose of the field there."));
            }
        });
    }

    private static string? KindOf(ITypeSymbol type) =>
        Layer.IsCoreType(type, "Greenlet") ? "greenlet" : Layer.IsCoreType(type, "Coroutine") ? "coroutine" : null;

    // Disposed of, here or by whoever gets it.
    private static bool IsGivenAway(IFieldReferenceOperation use) => use.Parent switch
    {
        IInvocationOperation call => call.Instance == use && call.TargetMethod.Name == "Dispose",
        IConditionalAccessOperation access => access.Operation == use && access.WhenNotNull is IInvocationOperation { TargetMethod.Name: "Dispose" },
        IArgumentOperation or IReturnOperation or IUsingOperation or IVariableInitializerOperation or IConversionOperation { Parent: IUsingOperation or IArgumentOperation or IReturnOperation } => true,
        ISimpleAssignmentOperation assignment => assignment.Value == use,
        _ => false,
    };
}
