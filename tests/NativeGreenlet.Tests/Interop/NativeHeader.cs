using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeGreenlet.Tests.Interop;

/// <summary>What native/include/nativegreenlet.h declares. A reader of this one header's plain style, not of C.</summary>
internal sealed partial class NativeHeader
{
    private NativeHeader(string text)
    {
        string code = Comments().Replace(text, " ");
        Functions =
        [
            .. FunctionDeclaration().Matches(code).Select(match => new Function(
                match.Groups["name"].Value,
                OneSpace(match.Groups["result"].Value),
                [.. Parameters(match.Groups["parameters"].Value)])),
        ];
        Structs =
        [
            .. StructDeclaration().Matches(code).Select(match => new Struct(
                match.Groups["name"].Value,
                [.. FieldDeclaration().Matches(match.Groups["body"].Value).Select(field => new Variable(field.Groups["name"].Value, OneSpace(field.Groups["type"].Value)))])),
        ];
        OpaqueStructs = [.. OpaqueDeclaration().Matches(code).Select(match => match.Groups["name"].Value)];
        Enums =
        [
            .. EnumDeclaration().Matches(code).Select(match => new Enumeration(
                match.Groups["name"].Value,
                [.. Enumerator().Matches(match.Groups["body"].Value).Select(each => new Constant(each.Groups["name"].Value, Number(each.Groups["value"].Value)))])),
        ];
        Constants = [.. Define().Matches(code).Select(match => new Constant(match.Groups["name"].Value, Number(match.Groups["value"].Value)))];
        FunctionPointers = [.. FunctionPointerDeclaration().Matches(code).Select(match => match.Groups["name"].Value)];
        Mentions = Occurrences().Count(code);
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
                Match match = Parameter().Match(part);
                yield return new Variable(match.Groups["name"].Value, OneSpace(match.Groups["type"].Value));
            }
        }
    }

    private static string OneSpace(string text) => Spaces().Replace(text.Trim(), " ").Replace(" *", "*", StringComparison.Ordinal);

    private static long Number(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? long.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : long.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"/\*.*?\*/|//[^\n]*", RegexOptions.Singleline)]
    private static partial Regex Comments();

    [GeneratedRegex(@"\bNG_API\s+(?<result>[\w\s*]+?)\s*\b(?<name>ng_\w+)\s*\((?<parameters>[^)]*)\)\s*;")]
    private static partial Regex FunctionDeclaration();

    [GeneratedRegex(@"^NG_API\b", RegexOptions.Multiline)]
    private static partial Regex Occurrences();

    [GeneratedRegex(@"typedef\s+struct\s+(?<name>\w+)\s*\{(?<body>[^}]*)\}\s*\k<name>\s*;")]
    private static partial Regex StructDeclaration();

    [GeneratedRegex(@"typedef\s+struct\s+(?<name>\w+)\s+\k<name>\s*;")]
    private static partial Regex OpaqueDeclaration();

    [GeneratedRegex(@"(?<type>[\w\s*]+?)\b(?<name>\w+)\s*;")]
    private static partial Regex FieldDeclaration();

    [GeneratedRegex(@"typedef\s+enum\s+(?<name>\w+)\s*\{(?<body>[^}]*)\}\s*\k<name>\s*;")]
    private static partial Regex EnumDeclaration();

    [GeneratedRegex(@"(?<name>NG_\w+)\s*=\s*(?<value>\w+)")]
    private static partial Regex Enumerator();

    [GeneratedRegex(@"^\s*#\s*define\s+(?<name>NG_\w+)\s+(?<value>\d\w*)\s*$", RegexOptions.Multiline)]
    private static partial Regex Define();

    [GeneratedRegex(@"typedef\s+[\w\s*]+\(\*(?<name>ng_\w+)\)\s*\(")]
    private static partial Regex FunctionPointerDeclaration();

    [GeneratedRegex(@"^(?<type>.*?)(?<name>\w+)$", RegexOptions.Singleline)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    internal sealed record Variable(string Name, string Type);

    internal sealed record Function(string Name, string Result, IReadOnlyList<Variable> Parameters);

    internal sealed record Struct(string Name, IReadOnlyList<Variable> Fields);

    internal sealed record Enumeration(string Name, IReadOnlyList<Constant> Values);

    internal sealed record Constant(string Name, long Value);
}
