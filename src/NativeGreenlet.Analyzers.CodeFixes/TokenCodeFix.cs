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

/// <summary>NG1006: gives the operation a token, Hub.Await(token => ...).</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class TokenCodeFix : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds => [Descriptors.AwaitWithoutToken.Id];

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        SyntaxNode? root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        SemanticModel? model = await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false);
        InvocationExpressionSyntax? operation = root?.FindNode(context.Span, getInnermostNodeForTie: true) as InvocationExpressionSyntax;
        if (root is null || model is null || operation?.Ancestors().OfType<ArgumentSyntax>().FirstOrDefault() is not { } argument
            || model.GetOperation(operation, context.CancellationToken) is not IInvocationOperation { TargetMethod: var method })
        {
            return;
        }

        string token = model.LookupSymbols(operation.SpanStart, name: "token").IsEmpty ? "token" : "cancellation";
        // A token that was left out may stand behind others that were.
        string name = method.Parameters.FirstOrDefault(each => each.Type.Name == "CancellationToken") is { } parameter
            && operation.ArgumentList.Arguments.Count != method.Parameters.Length - 1 ? $"{parameter.Name}: " : string.Empty;
        SeparatedSyntaxList<ArgumentSyntax> arguments = operation.ArgumentList.Arguments;
        string separator = arguments.Count == 0 ? string.Empty : ", ";
        string text = $"{token} => {operation.Expression.WithoutTrivia()}({arguments}{separator}{name}{token})";
        context.RegisterCodeFix(
            CodeAction.Create(
                "Give the operation a token",
                _ => Task.FromResult(context.Document.WithSyntaxRoot(root.ReplaceNode(
                    argument, argument.WithExpression(SyntaxFactory.ParseExpression(text).WithAdditionalAnnotations(Formatter.Annotation))))),
                nameof(TokenCodeFix)),
            context.Diagnostics);
    }
}
