using System.Reflection;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace NativeGreenlet.AspNetCore.Tests.Documentation;

/// <summary>Every public type has an example in its XML documentation, and every example compiles.</summary>
/// <remarks>An example is a program of top-level statements, types after them. Its namespaces and the names that it may use without
/// a declaration are those of <see cref="Surroundings"/>.</remarks>
public class ExampleTests
{
    private const string Surroundings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.Data.Common;
        global using System.Diagnostics;
        global using System.IO;
        global using System.Linq;
        global using System.Net;
        global using System.Net.Http;
        global using System.Net.Security;
        global using System.Net.Sockets;
        global using System.Runtime.ExceptionServices;
        global using System.Runtime.InteropServices;
        global using System.Text;
        global using System.Threading;
        global using System.Threading.Channels;
        global using System.Threading.RateLimiting;
        global using System.Threading.Tasks;
        global using Akka.Actor;
        global using Akka.Configuration;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Hosting;
        global using Microsoft.AspNetCore.Http;
        global using Microsoft.AspNetCore.Http.Metadata;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.Logging;
        global using Microsoft.Extensions.Time.Testing;
        global using NativeGreenlet;
        global using NativeGreenlet.Akka;
        global using NativeGreenlet.AspNetCore;
        global using NativeGreenlet.Cooperative;
        global using NativeGreenlet.Hosting;
        global using NativeGreenlet.Orleans;
        global using NativeGreenlet.Polly;
        global using NativeGreenlet.Weaving;
        global using Npgsql;
        global using Orleans;
        global using Orleans.Hosting;
        global using Orleans.Runtime;
        global using Polly;
        global using Polly.Retry;

        abstract class Surroundings
        {
            protected static Hub hub = null!;
            protected static WebApplication app = null!;
            protected static ILogger logger = null!;
            protected static ISiloBuilder siloBuilder = null!;
            protected static Stream stream = null!;
            protected static Socket socket = null!;
            protected static EndPoint address = null!;
            protected static NpgsqlConnection connection = null!;
            protected static NpgsqlDataSource source = null!;
            protected static GreenTask<int> part = null!;
            protected static GreenLock gate = null!;
            protected static GreenCondition changed = null!;
            protected static Queue<string> items = null!;
            protected static byte[] buffer = null!;
            protected static byte[] bytes = null!;
            protected static int reply;
            protected static int total;

            protected static void Read() { }
            protected static void Write() { }
            protected static Task<string> MakeReportAsync() => null!;
        }
        """;

    [Fact]
    public void Every_public_type_has_an_example()
    {
        string[] missing = [.. XmlDocumentation.Assemblies.SelectMany(assembly => assembly.GetExportedTypes())
            .Select(XmlDocumentation.NameOf)
            .Where(name => !XmlDocumentation.Members.TryGetValue(name, out XElement? member) || !Codes(member).Any())];

        Assert.True(missing.Length == 0, "Without an example:\n" + string.Join('\n', missing));
    }

    [Fact]
    public void Every_example_compiles()
    {
        CSharpParseOptions options = new(LanguageVersion.Latest);
        List<SyntaxTree> trees = [CSharpSyntaxTree.ParseText(Surroundings, options, "surroundings")];
        foreach ((string name, XElement member) in XmlDocumentation.Members)
        {
            trees.AddRange(Codes(member).Select(code => CSharpSyntaxTree.ParseText(Wrap(code, $"Example{trees.Count}_", options), options, name)));
        }

        string[] errors = Compile(trees);

        Assert.True(errors.Length == 0, string.Join('\n', errors));
        Assert.True(trees.Count > XmlDocumentation.Assemblies.Sum(assembly => assembly.GetExportedTypes().Length));
    }

    /// <summary>Blocks of C# in guides that have no other test.</summary>
    [Theory]
    [InlineData("akka.md", 4)]
    [InlineData("generators.md", 4)]
    [InlineData("select.md", 5)]
    [InlineData("time.md", 5)]
    [InlineData("bridges.md", 8)]
    [InlineData("blocking-code.md", 3)]
    public void Every_example_of_a_guide_compiles(string guide, int fewest)
    {
        CSharpParseOptions options = new(LanguageVersion.Latest);
        List<SyntaxTree> trees = [CSharpSyntaxTree.ParseText(Surroundings, options, "surroundings")];
        string[] parts = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Guides", guide)).ReplaceLineEndings("\n").Split("```");
        string[] blocks = [.. parts.Where((part, index) => index % 2 == 1 && part.StartsWith("csharp\n", StringComparison.Ordinal)).Select(part => part["csharp\n".Length..])];
        trees.AddRange(blocks.Select(block => CSharpSyntaxTree.ParseText(Wrap(block, $"Example{Array.IndexOf(blocks, block)}_", options), options, guide)));
        string[] errors = Compile(trees);

        Assert.True(errors.Length == 0, string.Join('\n', errors));
        Assert.InRange(blocks.Length, fewest, 100);
    }

    private static string[] Compile(List<SyntaxTree> trees)
    {
        string[] assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Examples",
            [.. trees.Select((tree, index) => index == 0 ? tree : tree.WithFilePath(tree.FilePath + "#" + index))],
            assemblies.Select(file => MetadataReference.CreateFromFile(file)),
            new(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        return [.. compilation.GetDiagnostics().Where(found => found.Severity == DiagnosticSeverity.Error || found.Id == "CS0618").Select(found => found.ToString())];
    }

    private static IEnumerable<string> Codes(XElement member) => member.Elements("example").Elements("code").Select(code => code.Value);

    // Statements become the body of a method, on the lines on which they are; types, members of a namespace of the example's own.
    private static string Wrap(string code, string prefix, CSharpParseOptions options)
    {
        CompilationUnitSyntax unit = CSharpSyntaxTree.ParseText(code, options).GetCompilationUnitRoot();
        MemberDeclarationSyntax[] statements = [.. unit.Members.TakeWhile(member => member is GlobalStatementSyntax)];
        string types = string.Concat(unit.Members.Skip(statements.Length).Select(member => member.ToFullString()));
        string body = statements.Length == 0 ? unit.EndOfFileToken.ToFullString() : code[..statements[^1].FullSpan.End] + unit.EndOfFileToken.ToFullString();
        return $"namespace {prefix} {{ class Program : Surroundings {{ static async Task<object?> RunAsync() {{ {body}\nreturn null; }} }}\n{types}\n}}";
    }
}
