using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Formatting;
using Microsoft.CodeAnalysis.Operations;

namespace NativeGreenlet.Analyzers.CodeFixes;

/// <summary>NG1002: puts a call that waits green in the place of one that blocks.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class GreenCallCodeFix : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds => [Descriptors.BlocksHub.Id];

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        SyntaxNode? root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        SemanticModel? model = await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindNode(context.Span, getInnermostNodeForTie: true) is not ExpressionSyntax call || model?.GetOperation(call, context.CancellationToken) is not { } operation
            || IsInAsync(call) || Replacement(call, operation) is not { } text)
        {
            return;
        }

        context.RegisterCodeFix(
            CodeAction.Create(
                $"Use {text.Substring(0, text.IndexOf('('))}",
                _ =>
                {
                    ExpressionSyntax green = SyntaxFactory.ParseExpression(Qualified(model, call.SpanStart, text))
                        .WithTriviaFrom(call)
                        .WithAdditionalAnnotations(Formatter.Annotation);
                    return Task.FromResult(context.Document.WithSyntaxRoot(root.ReplaceNode(call, green)));
                },
                nameof(GreenCallCodeFix)),
            context.Diagnostics);
    }

    // With namespaces where there is no using for them.
    private static string Qualified(SemanticModel model, int position, string text)
    {
        string result = Has(text.Substring(0, text.IndexOf('.'))) ? text : $"NativeGreenlet.Cooperative.{text}";
        return result
            .Replace("(time)", Has("TimeSpan") ? string.Empty : "System.")
            .Replace("(tasks)", Has("Task") ? string.Empty : "System.Threading.Tasks.");

        bool Has(string name) => !model.LookupNamespacesAndTypes(position, name: name).IsEmpty;
    }

    // There one writes await.
    private static bool IsInAsync(ExpressionSyntax call) => call.Ancestors().FirstOrDefault(each => each is AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or BaseMethodDeclarationSyntax) switch
    {
        AnonymousFunctionExpressionSyntax lambda => lambda.AsyncKeyword.IsKind(SyntaxKind.AsyncKeyword),
        LocalFunctionStatementSyntax local => local.Modifiers.Any(SyntaxKind.AsyncKeyword),
        BaseMethodDeclarationSyntax method => method.Modifiers.Any(SyntaxKind.AsyncKeyword),
        _ => false,
    };

    private static string? Replacement(ExpressionSyntax call, IOperation operation)
    {
        if (operation is IPropertyReferenceOperation { Instance: { } task })
        {
            return $"Hub.Await({task.Syntax})";
        }

        if (operation is not IInvocationOperation { TargetMethod: var method } invocation)
        {
            return null;
        }

        string arguments = ((InvocationExpressionSyntax)call).ArgumentList.Arguments.ToString();
        ITypeSymbol? first = method.Parameters.FirstOrDefault()?.Type;
        string receiver = invocation.Instance?.Syntax.ToString() ?? string.Empty;
        string joined = arguments.Length == 0 ? receiver : $"{receiver}, {arguments}";
        return (method.ContainingType.Name, method.Name) switch
        {
            ("Thread", "Sleep") => first?.SpecialType == SpecialType.System_Int32
                ? $"Hub.Sleep((time)TimeSpan.FromMilliseconds({arguments}))" : $"Hub.Sleep({arguments})",
            ("Task", "Wait") when first is null || first.Name is "TimeSpan" or "CancellationToken" => $"Hub.Await({joined})",
            ("Task", "Wait") when method.Parameters.Length == 1 => $"Hub.Await({receiver}, (time)TimeSpan.FromMilliseconds({arguments}))",
            ("Task", "WaitAll") when method.Parameters.Length == 1 => $"Hub.Await((tasks)Task.WhenAll({arguments}))",
            (_, "GetResult") => Awaited(invocation) is { } awaited ? $"Hub.Await({awaited})" : null,
            ("SemaphoreSlim", "Wait") when method.Parameters.Length == 0 => $"Hub.Await(token => {receiver}.WaitAsync(token))",
            ("Dns", "GetHostAddresses" or "GetHostEntry") when first?.SpecialType == SpecialType.System_String && method.Parameters.Length == 1
                => $"GreenDns.{method.Name}({arguments})",
            ("File", "ReadAllText" or "ReadAllBytes") when method.Parameters.Length == 1 => $"GreenFile.{method.Name}({arguments})",
            ("File", "WriteAllText" or "WriteAllBytes") when method.Parameters.Length == 2 && (first?.SpecialType == SpecialType.System_String)
                && method.Parameters[1].Type is IArrayTypeSymbol or { SpecialType: SpecialType.System_String } => $"GreenFile.{method.Name}({arguments})",
            ("TaskAsyncEnumerableExtensions", _) => arguments.Length == 0 ? $"Hub.Enumerate({invocation.Arguments[0].Value.Syntax})" : null,
            _ when method.Parameters.All(parameter => parameter.RefKind == RefKind.None && !parameter.Type.IsRefLikeType) => $"Hub.Offload(() => {call.WithoutTrivia()})",
            _ => null,
        };
    }

    // task.GetAwaiter(), task.ConfigureAwait(false).GetAwaiter()
    private static string? Awaited(IInvocationOperation getResult)
    {
        if (getResult.Instance is not IInvocationOperation { TargetMethod.Name: "GetAwaiter", Instance: { } task })
        {
            return null;
        }

        return task is IInvocationOperation { TargetMethod.Name: "ConfigureAwait", Instance: { } inner } ? inner.Syntax.ToString() : task.Syntax.ToString();
    }
}
