using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers;

/// <summary>Says what of the library waits, what runs in a hub, and where a function begins.</summary>
internal static class Layer
{
    private const string Core = "NativeGreenlet";
    private const string Cooperative = "NativeGreenlet.Cooperative";

    private static readonly ImmutableHashSet<string> s_waits =
    [
        "Greenlet.Switch", "Greenlet.Throw", "GreenletGenerator.Yield", "Coroutine.Resume", "Coroutine.Yield",
        "Hub.Await", "Hub.Sleep", "Hub.Yield", "Hub.Wait", "Hub.WaitAll", "Hub.WaitAny", "Hub.WaitEach", "Hub.Offload", "Hub.OffloadLongRunning", "Hub.Enumerate",
        "GreenTask.Join", "GreenTask.Result", "GreenTask.Kill",
        "GreenBarrier.SignalAndWait", "GreenChannel.Receive", "GreenChannel.Send", "GreenCompletionSource.Get", "GreenCompletionSource.Wait",
        "GreenCondition.Wait", "GreenCountdown.Wait", "GreenDns.GetHostAddresses", "GreenDns.GetHostEntry", "GreenEvent.Wait",
        "GreenFile.ReadAllBytes", "GreenFile.ReadAllText", "GreenFile.WriteAllBytes", "GreenFile.WriteAllText",
        "GreenLock.Enter", "GreenLock.EnterScope", "GreenNursery.All", "GreenNursery.Dispose", "GreenNursery.First", "GreenNursery.FirstSuccess", "GreenNursery.Run",
        "GreenPeriodicTimer.WaitForNextTick", "GreenSubscription.Receive", "GreenWatcher.WaitFor", "GreenWatcher.WaitForChange",
        "GreenPool.ForEach", "GreenPool.Join", "GreenPool.Kill", "GreenPool.Map", "GreenPool.Spawn", "GreenProcess.Run",
        "GreenQueue.Get", "GreenQueue.Join", "GreenQueue.Put", "GreenSelect.Run", "GreenSemaphore.Wait", "GreenSignal.Wait",
        "GreenSocket.Accept", "GreenSocket.Connect", "GreenSocket.Receive", "GreenSocket.ReceiveFrom", "GreenSocket.Send", "GreenSocket.SendTo", "GreenSocket.WaitUntilReadable",
        "GreenSsl.AuthenticateAsClient", "GreenSsl.AuthenticateAsServer",
        "GreenStream.Flush", "GreenStream.Read", "GreenStream.ReadByte", "GreenStream.Write", "GreenStream.WriteByte", "GreenTcpServer.ServeForever",
    ];

    // These throw outside a hub, so what calls them runs in one.
    private static readonly ImmutableHashSet<string> s_needsHub = ["Hub.Await", "Hub.Sleep", "Hub.Yield", "Hub.Wait", "Hub.WaitAll", "Hub.WaitAny", "Hub.WaitEach"];

    /// <summary>The name of a member, with that of its type, as the tables here have it.</summary>
    public static string NameOf(ISymbol member) => $"{member.ContainingType?.Name}.{member.Name}";

    /// <summary>Whether a symbol is the library's.</summary>
    public static bool IsOurs(ISymbol? symbol)
    {
        string space = symbol?.ContainingNamespace?.ToDisplayString() ?? string.Empty;
        return space == Core || space.StartsWith(Core + ".", StringComparison.Ordinal);
    }

    /// <summary>Whether a type is the one of this name in the library's core, or derives from it.</summary>
    public static bool IsCoreType(ITypeSymbol? type, string name) =>
        BasesOf(type).Any(each => each.Name == name && each.ContainingNamespace?.ToDisplayString() == Core);

    /// <summary>Whether a type, or a base of it, has this full name (without type parameters).</summary>
    public static bool Is(ITypeSymbol? type, string fullName) =>
        BasesOf(type).Any(each => $"{each.ContainingNamespace?.ToDisplayString()}.{each.Name}" == fullName);

    /// <summary>The type and its bases.</summary>
    public static IEnumerable<ITypeSymbol> BasesOf(ITypeSymbol? type)
    {
        for (ITypeSymbol? each = type; each is not null; each = each.BaseType)
        {
            yield return each;
        }
    }

    /// <summary>The wait or switch that an operation is, or null.</summary>
    public static string? WaitOf(IOperation operation)
    {
        ISymbol? member = operation switch
        {
            IInvocationOperation invocation => invocation.TargetMethod,
            IPropertyReferenceOperation property => property.Property,
            _ => null,
        };
        if (!IsOurs(member))
        {
            return null;
        }

        string name = NameOf(member!);
        return s_waits.Contains(name) || IsTimedTry(member!) ? name : null;
    }

    /// <summary>Whether code is in a function that runs in a hub: see docs/analyzers.md.</summary>
    public static bool RunsInHub(IOperation operation)
    {
        IOperation function = FunctionOf(operation);
        if (function is IAnonymousFunctionOperation lambda)
        {
            ISymbol? taker = TakerOf(lambda);
            if (taker is not null)
            {
                return IsHubBody(taker);
            }
        }

        bool waits = false;
        foreach (IOperation each in InFunction(function))
        {
            if (each is IPropertyReferenceOperation { Property: { Name: "IsInside" } property } && IsOurs(property))
            {
                return false; // it asks, and does the one or the other
            }

            waits |= each is IInvocationOperation { TargetMethod: var method } && IsOurs(method) && s_needsHub.Contains(NameOf(method));
        }

        return waits || IsGivenToHub(function, operation);
    }

    /// <summary>The function that an operation is in: a lambda, a local function, or the body of a member.</summary>
    public static IOperation FunctionOf(IOperation operation)
    {
        IOperation each = operation;
        while (each.Parent is not null)
        {
            each = each.Parent;
            if (each is IAnonymousFunctionOperation or ILocalFunctionOperation)
            {
                break;
            }
        }

        return each;
    }

    /// <summary>The operations of a function, without those of the functions in it, in the order of the text.</summary>
    public static IEnumerable<IOperation> InFunction(IOperation function)
    {
        foreach (IOperation child in function.ChildOperations)
        {
            if (child is IAnonymousFunctionOperation or ILocalFunctionOperation)
            {
                continue;
            }

            yield return child;
            foreach (IOperation each in InFunction(child))
            {
                yield return each;
            }
        }
    }

    /// <summary>The operations around one, within its function.</summary>
    public static IEnumerable<IOperation> Around(IOperation operation)
    {
        for (IOperation? each = operation.Parent; each is not (null or IAnonymousFunctionOperation or ILocalFunctionOperation); each = each.Parent)
        {
            yield return each;
        }
    }

    /// <summary>What is converted.</summary>
    public static IOperation Unwrap(IOperation operation)
    {
        IOperation each = operation;
        while (each is IConversionOperation conversion)
        {
            each = conversion.Operand;
        }

        return each;
    }

    // TryGet(timeout, ...), TryEnter(timeout): the forms that may wait.
    private static bool IsTimedTry(ISymbol member) =>
        member is IMethodSymbol { Name: "TryGet" or "TryPut" or "TrySend" or "TryReceive" or "TryEnter" } method
        && method.Parameters.Any(parameter => parameter is { Name: "timeout", IsOptional: false });

    private static bool IsHubBody(ISymbol taker) =>
        taker.ContainingNamespace?.ToDisplayString() == Cooperative && !taker.Name.StartsWith("Offload", StringComparison.Ordinal);

    // The member that is given a lambda or a method.
    private static ISymbol? TakerOf(IOperation function)
    {
        IOperation? each = function.Parent;
        while (each is IDelegateCreationOperation or IConversionOperation or IParenthesizedOperation)
        {
            each = each.Parent;
        }

        return each is not IArgumentOperation argument ? null : argument.Parent switch
        {
            IInvocationOperation invocation => invocation.TargetMethod,
            IObjectCreationOperation creation => creation.Constructor,
            _ => null,
        };
    }

    // Hub.Spawn(Work) in the same type, or Work() in what is given to a hub there.
    private static bool IsGivenToHub(IOperation function, IOperation operation)
    {
        SemanticModel? model = operation.SemanticModel;
        ISymbol? symbol = function is ILocalFunctionOperation local ? local.Symbol : model?.GetEnclosingSymbol(operation.Syntax.SpanStart);
        while (symbol is IMethodSymbol { MethodKind: MethodKind.AnonymousFunction })
        {
            symbol = symbol.ContainingSymbol;
        }

        if (model is null || symbol is not IMethodSymbol method || function is IAnonymousFunctionOperation)
        {
            return false;
        }

        SyntaxNode scope = operation.Syntax.SyntaxTree.GetRoot();
        return IsReached(method, []);

        bool IsReached(IMethodSymbol target, HashSet<ISymbol> seen)
        {
            if (!seen.Add(target))
            {
                return false;
            }

            foreach (SimpleNameSyntax name in scope.DescendantNodes().OfType<SimpleNameSyntax>())
            {
                if (name.Identifier.ValueText != target.Name
                    || !SymbolEqualityComparer.Default.Equals(model.GetSymbolInfo(name).Symbol?.OriginalDefinition, target.OriginalDefinition))
                {
                    continue;
                }

                ExpressionSyntax whole = name.Parent is MemberAccessExpressionSyntax access && access.Name == name ? access : name;
                IOperation? use = whole.Parent is InvocationExpressionSyntax call && call.Expression == whole ? model.GetOperation(call) : model.GetOperation(whole);
                if (use is IMethodReferenceOperation reference)
                {
                    if (TakerOf(reference) is { } taker && IsHubBody(taker))
                    {
                        return true;
                    }
                }
                else if (use is IInvocationOperation && FunctionOf(use) is var caller)
                {
                    if (caller is IAnonymousFunctionOperation lambda ? TakerOf(lambda) is { } taker && IsHubBody(taker)
                        : (caller is ILocalFunctionOperation inner ? inner.Symbol : model.GetEnclosingSymbol(name.SpanStart)) is IMethodSymbol next && IsReached(next, seen))
                    {
                        return true;
                    }
                }
            }

            return false;
        }
    }
}
