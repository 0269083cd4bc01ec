using System;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers.Rules;

/// <summary>NG1004: finds reads of [ThreadStatic] fields and of ThreadLocal values after a wait.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ThreadStaticAfterWaitAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Descriptors.ThreadStaticAfterWait];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(Look, OperationKind.FieldReference, OperationKind.PropertyReference);
    }

    private static void Look(OperationAnalysisContext context)
    {
        IOperation use = context.Operation;
        if (!IsOfThread(use) || IsWrite(use) || IsWoven(context.Options))
        {
            return;
        }

        string name = use.Syntax.ToString();
        IOperation[] all = [.. Layer.InFunction(Layer.FunctionOf(use))];
        IOperation? loop = Layer.Around(use).LastOrDefault(each => each is ILoopOperation);
        foreach (IOperation wait in all)
        {
            if (Layer.WaitOf(wait) is not { } waitName)
            {
                continue;
            }

            bool isBefore = wait.Syntax.Span.End <= use.Syntax.SpanStart;
            bool isInLoop = loop is not null && loop.Syntax.Span.Contains(wait.Syntax.Span);
            int from = isBefore ? wait.Syntax.Span.End : loop?.Syntax.SpanStart ?? 0;
            if ((isBefore || isInLoop) && !all.Any(each => each.Syntax.SpanStart >= from && each.Syntax.SpanStart < use.Syntax.SpanStart
                && IsOfThread(each) && IsWrite(each) && each.Syntax.ToString() == name))
            {
                context.ReportDiagnostic(Diagnostic.Create(Descriptors.ThreadStaticAfterWait, use.Syntax.GetLocation(), name, waitName));
                return;
            }
        }
    }

    // Then a value of the thread becomes the greenlet's.
    private static bool IsWoven(AnalyzerOptions options) => IsTrue(options, "GreenletWeaveProject") && IsTrue(options, "GreenletWeaveThreadLocals");

    private static bool IsTrue(AnalyzerOptions options, string property) =>
        options.AnalyzerConfigOptionsProvider.GlobalOptions.TryGetValue($"build_property.{property}", out string? value) && value.Equals("true", StringComparison.OrdinalIgnoreCase);

    private static bool IsOfThread(IOperation operation) => operation switch
    {
        IFieldReferenceOperation field => field.Field.GetAttributes().Any(each => Layer.Is(each.AttributeClass, "System.ThreadStaticAttribute")),
        IPropertyReferenceOperation { Property: { Name: "Value" } property } => Layer.Is(property.ContainingType, "System.Threading.ThreadLocal"),
        _ => false,
    };

    // Also x ??= ..., which means: whatever this thread has.
    private static bool IsWrite(IOperation operation) => operation.Parent switch
    {
        ISimpleAssignmentOperation assignment => assignment.Target == operation,
        ICoalesceAssignmentOperation assignment => assignment.Target == operation,
        _ => false,
    };
}
