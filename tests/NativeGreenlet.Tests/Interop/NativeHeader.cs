using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeGreenlet.Tests.Interop;

/// <summary>What native/include/nativegreenlet.h declares. A reader of this one header's plain style, not of C.</summary>
internal sealed class NativeHeader
{
    private static readonly Regex s_comments = new(@"/\*.*?\*/|//[^\n]*", RegexOptions.Singleline);
    private static readonly Regex s_functionDeclaration = new(@"\bNG_API\s+(?<result>[\w\s*]+?)\s*\b(?<name>ng_\w+)\s*\((?<parameters>[^)]*)\)\s*;");
    private static readonly Regex s_occurrences = new(@"^NG_API\b", RegexOptions.Multiline);
    private static readonly Regex s_structDeclaration = new(@"typedef\s+struct\s+(?<name>\w+)\s*\{(?<body>[^}]*)\}\s*\k<name>\s*;");
    private static readonly Regex s_opaqueDeclaration = new(@"typedef\s+struct\s+(?<name>\w+)\s+\k<name>\s*;");
    private static readonly Regex s_fieldDeclaration = new(@"(?<type>[\w\s*]+?)\b(?<name>\w+)\s*;");
    private static readonly Regex s_enumDeclaration = new(@"typedef\s+enum\s+(?<name>\w+)\s*\{(?<body>[^}]*)\}\s*\k<name>\s*;");
    private static readonly Regex s_enumerator = new(@"(?<name>NG_\w+)\s*=\s*(?<value>\w+)");
    private static readonly Regex s_define = new(@"^\s*#\s*define\s+(?<name>NG_\w+)\s+(?<value>\d\w*)\s*$", RegexOptions.Multiline);
    private static readonly Regex s_functionPointerDeclaration = new(@"typedef\s+[\w\s*]+\(\*(?<name>ng_\w+)\)\s*\(");
    private static readonly Regex s_parameter = new(@"^(?<type>.*?)(?<name>\w+)$", RegexOptions.Singleline);
    private static readonly Regex s_spaces = new(@"\s+");

    private NativeHeader(string text)
    {
        string code = s_comments.Replace(text, " ");
        Functions =
        [
            .. s_functionDeclaration.Matches(code).Select(match => new Function(
                match.Groups["name"].Value,
                OneSpace(match.Groups["result"].Value),
                [.. Parameters(match.Groups["parameters"].Value)])),
        ];
        Structs =
        [
            .. s_structDeclaration.Matches(code).Select(match => new Struct(
                match.Groups["name"].Value,
                [.. s_fieldDeclaration.Matches(match.Groups["body"].Value).Select(field => new Variable(field.Groups["name"].Value, OneSpace(field.Groups["type"].Value)))])),
        ];
        OpaqueStructs = [.. s_opaqueDeclaration.Matches(code).Select(match => match.Groups["name"].Value)];
        Enums =
        [
            .. s_enumDeclaration.Matches(code).Select(match => new Enumeration(
                match.Groups["name"].Value,
                [.. s_enumerator.Matches(match.Groups["body"].Value).Select(each => new Constant(each.Groups["name"].Value, Number(each.Groups["value"].Value)))])),
        ];
        Constants = [.. s_define.Matches(code).Select(match => new Constant(match.Groups["name"].Value, Number(match.Groups["value"].Value)))];
        FunctionPointers = [.. s_functionPointerDeclaration.Matches(code).Select(match => match.Groups["name"].Value)];
        Mentions = s_occurrences.Count(code);
    }

    public IReadOnlyList<Function> Functions { get; }

    public IReadOnlyList<Struct> Structs { get; }

    public IReadOnlyList<string> OpaqueStructs { get; }

    public IReadOnlyList<Enumeration> Enums { get; }

    public IReadOnlyList<Constant> Constants { get; }

    public IReadOnlyList<string> FunctionPointers { get; }

    /// <summary>How often the header says NG_API in front of something: what the reader must have found.</summary>
    public int Mentions { get; }

    public static NativeHeader Read() => new(File.ReadAllText(Infrastructure.RepositoryFile.Path("nativegreenlet.h")));

    private static IEnumerable<Variable> Parameters(string text)
    {
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (part != "void")
            {
                Match match = s_parameter.Match(part);
                yield return new Variable(match.Groups["name"].Value, OneSpace(match.Groups["type"].Value));
            }
        }
    }

    private static string OneSpace(string text) => s_spaces.Replace(text.Trim(), " ").Replace(" *", "*", StringComparison.Ordinal);

    private static long Number(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? long.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : long.Parse(text, CultureInfo.InvariantCulture);

    internal sealed record Variable(string Name, string Type);

    internal sealed record Function(string Name, string Result, IReadOnlyList<Variable> Parameters);

    internal sealed record Struct(string Name, IReadOnlyList<Variable> Fields);

    internal sealed record Enumeration(string Name, IReadOnlyList<Constant> Values);

    internal sealed record Constant(string Name, long Value);
}
