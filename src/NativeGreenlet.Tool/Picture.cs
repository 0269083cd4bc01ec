using System.Globalization;
using System.Security;
using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace NativeGreenlet.LiveView;

/// <summary>What the screen shows, as a picture (SVG) for light and dark backgrounds.</summary>
internal sealed class Picture(string title) : IAnsiConsoleEncoder
{
    public const int Columns = 100;

    private const double Letter = 8; // the width of each, whatever font a reader has
    private const double Line = 18;
    private const double Border = 14;
    private const string Style = """
          <style>
            text { font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #1f2328; white-space: pre; }
            .ground { fill: #ffffff; stroke: #b6bec8; }
            .red { fill: #cf222e; } .blue { fill: #0969da; } .grey { fill: #59636e; } .bold { font-weight: 700; }
            @media (prefers-color-scheme: dark) {
              text { fill: #e6edf3; }
              .ground { fill: #0d1117; stroke: #484f58; }
              .red { fill: #ff7b72; } .blue { fill: #79c0ff; } .grey { fill: #9198a1; }
            }
          </style>
        """;

    /// <summary>Writes a picture of what a verb shows.</summary>
    /// <param name="path">Where to; null for none.</param>
    /// <param name="title">What it is a picture of.</param>
    /// <param name="verb">Shows it.</param>
    /// <exception cref="ToolException">The file cannot be written.</exception>
    public static void Take(string? path, string title, Action verb)
    {
        if (path is null)
        {
            verb();
            return;
        }

        AnsiConsole.Profile.Width = Columns;
        AnsiConsole.Record();
        verb();
        try
        {
            File.WriteAllText(path, AnsiConsole.ExportCustom(new Picture(title)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"The picture cannot be written: {exception.Message} Name another file with --svg.", exception);
        }
    }

    /// <inheritdoc/>
    public string Encode(IAnsiConsole console, IEnumerable<IRenderable> renderable)
    {
        StringBuilder words = new();
        int column = 0;
        int line = 0;
        foreach (Segment segment in renderable.SelectMany(each => each.GetSegments(console)).Where(segment => !segment.IsControlCode))
        {
            string[] parts = segment.Text.ReplaceLineEndings("\n").Split('\n');
            for (int i = 0; i < parts.Length; i++)
            {
                if (i > 0)
                {
                    (column, line) = (0, line + 1);
                }

                AddWords(words, parts[i], segment.Style, column, line);
                column += parts[i].Length;
            }
        }

        double width = (Columns * Letter) + (2 * Border);
        double height = ((line + (column == 0 ? 0 : 1)) * Line) + (2 * Border);
        return string.Create(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
              <title>{SecurityElement.Escape(title)}</title>
            {Style}
              <rect class="ground" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>
            {words}</svg>

            """);
    }

    private static void AddWords(StringBuilder words, string text, Style style, int column, int line)
    {
        string trimmed = text.Trim();
        if (trimmed.Length == 0)
        {
            return;
        }

        column += text.IndexOf(trimmed, StringComparison.Ordinal);
        string color = style.Foreground == Color.Red ? "red" : style.Foreground == Color.Blue ? "blue" : style.Foreground == Color.Grey ? "grey" : "";
        string kind = $"{color}{(style.Decoration.HasFlag(Decoration.Bold) ? " bold" : "")}".Trim();
        words.Append(CultureInfo.InvariantCulture, $"  <text{(kind.Length == 0 ? "" : $" class=\"{kind}\"")} x=\"{Border + (column * Letter)}\" y=\"{Border + ((line + 0.75) * Line)}\" ")
            .AppendLine(CultureInfo.InvariantCulture, $"textLength=\"{trimmed.Length * Letter}\" lengthAdjust=\"spacingAndGlyphs\">{SecurityElement.Escape(trimmed)}</text>");
    }
}
