using System.Text;
using System.Text.Json;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>The reader of the descriptor's text against the general JSON reader.</summary>
public unsafe class DescriptorTextTests
{
    private const string Small = """{ "a": [1, -2.5e+3, [true, null]], "b": { "c": "text", "é": {} }, "d": [], "": 7 }""";

    [Theory]
    [InlineData(Small)]
    [InlineData("[]")]
    [InlineData(" \t\r\n 12 ")]
    public void It_reads_what_a_JSON_reader_reads(string json) => AgreesWithJsonReader(Encoding.UTF8.GetBytes(json));

    [Fact]
    public void It_reads_the_running_runtimes_descriptor() => AgreesWithJsonReader(RunningRuntime.Json);

    [Fact]
    public void Text_that_ends_too_early_is_refused_wherever_it_ends()
    {
        byte[] text = Encoding.UTF8.GetBytes(Small);
        for (int length = 0; length < text.Length; length++)
        {
            byte[] part = text[..length];
            _ = Assert.Throws<FormatException>(() => DescriptorText.Flatten(part));
        }
    }

    [Fact]
    public void A_byte_that_is_another_never_leads_astray()
    {
        // It is refused or read as the JSON reader reads it; or it is one of the things that we do not care for.
        byte[] text = Encoding.UTF8.GetBytes(Small);
        Random random = new(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] other = [.. text];
            other[random.Next(other.Length)] = (byte)random.Next(32, 127);
            try
            {
                Dictionary<string, string> nodes = DescriptorText.Flatten(other);
                Assert.NotEmpty(nodes);
            }
            catch (FormatException)
            {
                _ = Assert.ThrowsAny<Exception>(() => Refuse(other));
            }
        }

        // What we refuse, the JSON reader refuses, too, apart from escapes and numbers' details.
        static void Refuse(byte[] json)
        {
            if (Array.IndexOf(json, (byte)'\\') >= 0)
            {
                throw new FormatException();
            }

            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
    }

    [Theory]
    [InlineData("{ \"a\": 1, \"a\": 1 }")]
    [InlineData("{ \"a\": { \"b\": 1 }, \"a.b\": 2 }")]
    [InlineData("{ \"a\": \"with \\\" escape\" }")]
    [InlineData("{ \"a\" 1 }")]
    [InlineData("{ \"a\": 1, }")]
    [InlineData("{ a: 1 }")]
    [InlineData("[1 2]")]
    [InlineData("[1],")]
    [InlineData("{} {}")]
    [InlineData("yes")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]")]
    public void What_is_of_another_form_is_refused(string text) =>
        _ = Assert.Throws<FormatException>(() => DescriptorText.Flatten(Encoding.UTF8.GetBytes(text)));

    private static void AgreesWithJsonReader(byte[] json)
    {
        Dictionary<string, string> expected = [];
        using JsonDocument document = JsonDocument.Parse(json);
        Walk(document.RootElement, string.Empty, expected);

        Dictionary<string, string> actual = DescriptorText.Flatten(json);

        Assert.Equal(expected.OrderBy(node => node.Key), actual.OrderBy(node => node.Key));
    }

    private static void Walk(JsonElement element, string path, Dictionary<string, string> nodes)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                nodes[path] = "{";
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    Walk(property.Value, path.Length == 0 ? property.Name : $"{path}.{property.Name}", nodes);
                }

                break;
            case JsonValueKind.Array:
                nodes[path] = "[";
                for (int i = 0; i < element.GetArrayLength(); i++)
                {
                    Walk(element[i], $"{path}[{i}]", nodes);
                }

                break;
            default:
                nodes[path] = element.GetRawText();
                break;
        }
    }
}
