using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers.Rules;

/// <summary>NG1001: finds waits and switches while a lock of the thread is held.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class WaitInLockAnalyzer : DiagnosticAnalyzer
{
    private static readonly ImmutableDictionary<string, string[]> s_pairs = new Dictionary<string, string[]>
    {
        ["System.Threading.Monitor.Enter"] = ["Exit"],
        ["System.Threading.Monitor.TryEnter"] = ["Exit"],
        ["System.Threading.Lock.Enter"] = ["Exit"],
        ["System.Threading.Lock.TryEnter"] = ["Exit"],
        ["System.Threading.Mutex.WaitOne"] = ["ReleaseMutex"],
        ["System.Threading.ReaderWriterLockSlim.EnterReadLock"] = ["ExitReadLock"],
        ["System.Threading.ReaderWriterLockSlim.EnterWriteLock"] = ["ExitWriteLock"],
        ["System.Threading.ReaderWriterLockSlim.EnterUpgradeableReadLock"] = ["ExitUpgradeableReadLock"],
        ["System.Threading.ReaderWriterLockSlim.TryEnterReadLock"] = ["ExitReadLock"],
        ["System.Threading.ReaderWriterLockSlim.TryEnterWriteLock"] = ["ExitWriteLock"],
        ["System.Threading.ReaderWriterLockSlim.TryEnterUpgradeableReadLock"] = ["ExitUpgradeableReadLock"],
    }.ToImmutableDictionary();

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Descriptors.WaitInLock];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(Look, OperationKind.Invocation, OperationKind.PropertyReference);
    }

    private static void Look(OperationAnalysisContext context)
    {
        if (Layer.WaitOf(context.Operation) is { } wait && HeldLock(context.Operation) is { } held)
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.WaitInLock, context.Operation.Syntax.GetLocation(), wait, held));
        }
    }

    private static string? HeldLock(IOperation wait)
    {
        foreach (IOperation around in Layer.Around(wait))
        {
            if (around is ILockOperation statement && statement.Body.Syntax.Span.Contains(wait.Syntax.Span))
            {
                return $"'{statement.LockedValue.Syntax}'";
            }

            if (around is IUsingOperation block && block.Body.Syntax.Span.Contains(wait.Syntax.Span) && Scopes(block.Resources) is { } resource)
            {
                return resource;
            }

            if (around is IBlockOperation statements
                && statements.Operations.OfType<IUsingDeclarationOperation>().FirstOrDefault(each => each.Syntax.Span.End <= wait.Syntax.SpanStart
                    && Scopes(each) is not null) is { } declaration)
            {
                return Scopes(declaration);
            }
        }

        return Entered(wait);
    }

    private static string? Scopes(IOperation resources) => resources.DescendantsAndSelf().OfType<IInvocationOperation>()
        .FirstOrDefault(each => each.TargetMethod.Name == "EnterScope" && Layer.Is(each.TargetMethod.ContainingType, "System.Threading.Lock")) is { } scope
        ? $"'{scope.Instance?.Syntax}'" : null;

    // Monitor.Enter(x) before, and the next Monitor.Exit(x) after.
    private static string? Entered(IOperation wait)
    {
        IInvocationOperation[] calls = [.. Layer.InFunction(Layer.FunctionOf(wait)).OfType<IInvocationOperation>()];
        foreach (IInvocationOperation enter in calls)
        {
            ISymbol method = enter.TargetMethod;
            if (enter.Syntax.Span.End > wait.Syntax.SpanStart
                || !s_pairs.TryGetValue($"{TypeOf(enter)}.{method.Name}", out string[]? exits)
                || !IsHeldAfter(enter, wait))
            {
                continue;
            }

            string key = KeyOf(enter);
            IInvocationOperation? exit = calls.FirstOrDefault(each => each.Syntax.SpanStart > enter.Syntax.SpanStart
                && exits.Contains(each.TargetMethod.Name) && TypeOf(each) == TypeOf(enter) && KeyOf(each) == key);
            if (exit is not null && exit.Syntax.SpanStart > wait.Syntax.SpanStart)
            {
                return $"'{key}'";
            }
        }

        return null;
    }

    // WaitOne is that of WaitHandle: the type of what it is called on decides.
    private static string TypeOf(IInvocationOperation call)
    {
        ITypeSymbol? type = call.Instance is { } instance ? Layer.Unwrap(instance).Type : call.TargetMethod.ContainingType;
        return type is null ? string.Empty : $"{type.ContainingNamespace?.ToDisplayString()}.{type.Name}";
    }

    private static string KeyOf(IInvocationOperation call) =>
        (call.Instance ?? call.Arguments.FirstOrDefault()?.Value)?.Syntax.ToString() ?? string.Empty;

    // In the block of the wait or around it; as a condition, where it was true.
    private static bool IsHeldAfter(IInvocationOperation enter, IOperation wait)
    {
        IOperation? condition = enter;
        bool isNegated = false;
        while (condition.Parent is IUnaryOperation { OperatorKind: UnaryOperatorKind.Not } or IParenthesizedOperation)
        {
            condition = condition.Parent;
            isNegated ^= condition is IUnaryOperation;
        }

        if (condition.Parent is IConditionalOperation choice && choice.Condition == condition)
        {
            return isNegated ? choice.Syntax.Span.End <= wait.Syntax.SpanStart : choice.WhenTrue.Syntax.Span.Contains(wait.Syntax.Span);
        }

        if (condition.Parent is IWhileLoopOperation loop && loop.Condition == condition)
        {
            return isNegated ? loop.Syntax.Span.End <= wait.Syntax.SpanStart : loop.Body.Syntax.Span.Contains(wait.Syntax.Span);
        }

        IOperation? block = Layer.Around(enter).FirstOrDefault(each => each is IBlockOperation);
        return block is null || block.Syntax.Span.Contains(wait.Syntax.Span);
    }
}
