using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Testing;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Testing;

namespace NativeGreenlet.Analyzers.Tests;

/// <summary>Compiles code against the library and this runtime, and looks at it with analyzers.</summary>
internal static class Code
{
    private const string Usings = """
        using System; using System.Collections.Generic; using System.IO; using System.Linq; using System.Net; using System.Net.Http; using System.Net.Sockets;
        using System.Threading; using System.Threading.Tasks; using NativeGreenlet; using NativeGreenlet.Cooperative;

        """;

    public static ImmutableArray<MetadataReference> References { get; } =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is var name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "NativeGreenlet.dll" or "NativeGreenlet.Cooperative.dll" or "netstandard.dll" or "mscorlib.dll" or "Microsoft.Win32.Primitives.dll"))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Those and everything else that this program has: ASP.NET Core, and the packages of samples.</summary>
    public static ImmutableArray<MetadataReference> AllReferences { get; } =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Every analyzer there is.</summary>
    public static ImmutableArray<DiagnosticAnalyzer> Analyzers { get; } =
    [
        .. typeof(Descriptors).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(DiagnosticAnalyzer))).Select(type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!),
    ];

    /// <summary>Members of a class with the usual usings; [|marks|] are where the diagnostic is.</summary>
    public static string Class(string members) => $"{Usings}class C\n{{\n{members}\n}}\n";

    /// <summary>Demands that the analyzer reports exactly what is marked.</summary>
    public static Task VerifyAsync<TAnalyzer>(string members, string? options = null)
        where TAnalyzer : DiagnosticAnalyzer, new()
    {
        CSharpAnalyzerTest<TAnalyzer, DefaultVerifier> test = new() { TestCode = Class(members), ReferenceAssemblies = new ReferenceAssemblies("net10.0") };
        if (options is not null)
        {
            test.TestState.AnalyzerConfigFiles.Add(("/.globalconfig", options));
        }

        test.TestState.AdditionalReferences.AddRange(References);
        test.SolutionTransforms.Add(Modern);
        return test.RunAsync();
    }

    /// <summary>Demands that the fix makes the one of the other.</summary>
    public static Task VerifyFixAsync<TAnalyzer, TFix>(string members, string isFixed)
        where TAnalyzer : DiagnosticAnalyzer, new()
        where TFix : CodeFixProvider, new()
    {
        CSharpCodeFixTest<TAnalyzer, TFix, DefaultVerifier> test = new()
        {
            TestCode = Class(members),
            FixedCode = Class(isFixed),
            ReferenceAssemblies = new ReferenceAssemblies("net10.0"),
        };
        test.TestState.AdditionalReferences.AddRange(References);
        test.SolutionTransforms.Add(Modern);
        return test.RunAsync();
    }

    /// <summary>What all analyzers say about some files; the files must compile.</summary>
    public static async Task<string[]> AnalyzeAsync(IEnumerable<string> texts, OutputKind kind = OutputKind.DynamicallyLinkedLibrary, ImmutableArray<MetadataReference>? references = null)
    {
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Analyzed",
            texts.Select(text => CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Latest))),
            references ?? References,
            new CSharpCompilationOptions(kind, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        Assert.Empty(compilation.GetDiagnostics().Where(each => each.Severity == DiagnosticSeverity.Error).Select(each => each.ToString()));
        ImmutableArray<Diagnostic> found = await compilation.WithAnalyzers(Analyzers).GetAnalyzerDiagnosticsAsync();
        return [.. found.Select(each => each.ToString())];
    }

    private static Solution Modern(Solution solution, ProjectId id) =>
        solution.WithProjectParseOptions(id, new CSharpParseOptions(LanguageVersion.Latest));
}
