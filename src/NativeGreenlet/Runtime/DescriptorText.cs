using System.Globalization;
using System.Text;

namespace NativeGreenlet.Runtime;

/// <summary>
/// Reads the text of a contract descriptor, which is JSON as a runtime's build writes it: no escapes in strings, no name
/// twice. A program's start waits for this, and the first use of the general reader takes longer than all the rest of ours.
/// </summary>
internal ref struct DescriptorText
{
    private const int MostDepth = 16;

    private readonly ReadOnlySpan<byte> _text;
    private readonly Dictionary<string, string> _nodes = new(1024);
    private int _at;

    private DescriptorText(ReadOnlySpan<byte> text)
    {
        _text = text;
    }

    /// <summary>Every value by its path, such as <c>types.Thread.Frame[0]</c>: an object is <c>{</c>, an array <c>[</c>, a
    /// string keeps its quotes, anything else is its text.</summary>
    /// <exception cref="FormatException">It is not such a text.</exception>
    public static Dictionary<string, string> Flatten(ReadOnlySpan<byte> text)
    {
        DescriptorText reader = new(text);
        reader.Value(string.Empty, 0);
        return reader.Peek() == 0 ? reader._nodes : throw reader.Malformed();
    }

    private void Value(string path, int depth)
    {
        byte first = Peek();
        switch (first)
        {
            case (byte)'{' or (byte)'[' when depth == MostDepth:
                throw Malformed();

            case (byte)'{':
                _nodes[path] = "{";
                Members(path, depth + 1);
                break;

            case (byte)'[':
                _nodes[path] = "[";
                Elements(path, depth + 1);
                break;

            case (byte)'"':
                _nodes[path] = $"\"{String()}\"";
                break;

            default:
                _nodes[path] = Scalar();
                break;
        }
    }

    private void Members(string path, int depth)
    {
        _at++;
        if (TryTake('}'))
        {
            return;
        }

        do
        {
            string name = Peek() == '"' ? String() : throw Malformed();
            Take(':');
            string member = path.Length == 0 ? name : $"{path}.{name}";
            if (member.Length > 0 && _nodes.ContainsKey(member))
            {
                throw Malformed(); // which of the two would hold?
            }

            Value(member, depth);
        }
        while (TryTake(','));
        Take('}');
    }

    private void Elements(string path, int depth)
    {
        _at++;
        if (TryTake(']'))
        {
            return;
        }

        int index = 0;
        do
        {
            Value(index == 0 ? path + "[0]" : index == 1 ? path + "[1]" : $"{path}[{index}]", depth);
            index++;
        }
        while (TryTake(','));
        Take(']');
    }

    private string String()
    {
        int start = ++_at;
        while (_at < _text.Length && _text[_at] != '"')
        {
            if (_text[_at] is (byte)'\\' or < (byte)' ')
            {
                throw Malformed();
            }

            _at++;
        }

        return _at < _text.Length ? Encoding.UTF8.GetString(_text[start.._at++]) : throw Malformed();
    }

    // A number, true, false or null; what it means is up to whoever asks for it.
    private string Scalar()
    {
        int start = _at;
        while (_at < _text.Length && _text[_at] is >= (byte)'a' and <= (byte)'z' or >= (byte)'0' and <= (byte)'9' or (byte)'-' or (byte)'+' or (byte)'.' or (byte)'E')
        {
            _at++;
        }

        string scalar = Encoding.UTF8.GetString(_text[start.._at]);
        bool isNumber = scalar.Length > 0 && scalar[0] is '-' or >= '0' and <= '9'
            && double.TryParse(scalar, NumberStyles.Float, NumberFormatInfo.InvariantInfo, out _);
        return isNumber || scalar is "true" or "false" or "null" ? scalar : throw Malformed();
    }

    // The next byte that is not white space; 0 at the end.
    private byte Peek()
    {
        while (_at < _text.Length && _text[_at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            _at++;
        }

        return _at < _text.Length ? _text[_at] : (byte)0;
    }

    private bool TryTake(char expected)
    {
        bool isThere = Peek() == expected;
        _at += isThere ? 1 : 0;
        return isThere;
    }

    private void Take(char expected)
    {
        if (!TryTake(expected))
        {
            throw Malformed();
        }
    }

    private readonly FormatException Malformed() => new($"unexpected text at byte {_at}");
}
