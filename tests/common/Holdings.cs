using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Common;

/// <summary>
/// One of everything that a frame can hold: object, string, boxed values, references into the middle of an array, of an
/// object and of a box that nothing else keeps alive, spans over an array, over a string and over the frame's own stack.
/// It lies on the stack itself, so the collector must find and update each of its slots there.
/// </summary>
internal readonly ref struct Holdings
{
    private readonly int _stamp;
    private readonly Cell _cell;
    private readonly string _text;
    private readonly object _boxedNumber;
    private readonly object _boxedStruct;
    private readonly ref int _element;
    private readonly ref long _field;
    private readonly ref long _unboxed;
    private readonly Span<int> _array;
    private readonly Span<int> _scratch;
    private readonly ReadOnlySpan<char> _slice;

    /// <param name="stamp">What tells these contents from all others.</param>
    /// <param name="scratch">Stack memory of the caller, filled in here.</param>
    public Holdings(int stamp, Span<int> scratch)
    {
        _stamp = stamp;
        _cell = new Cell(stamp, new Cell(stamp + 1L));
        _text = Text(stamp);
        _boxedNumber = (long)stamp * 3;
        _boxedStruct = new Pair(stamp, _text);
        _element = ref Filled(16 + (stamp & 63), stamp)[7];
        _field = ref new Cell(stamp + 2L).Stamp;
        _unboxed = ref Unsafe.Unbox<long>((object)((long)stamp * 5));
        _array = Filled(40, stamp).AsSpan(5, 20);
        _scratch = scratch;
        _slice = Text(stamp).AsSpan(1);
        Fill(scratch, stamp);
    }

    public void Verify()
    {
        Check.That(_cell.Is(_stamp));
        Check.That(_cell.Next!.Is(_stamp + 1L));
        Check.That(_text == Text(_stamp));
        Check.That((long)_boxedNumber == (long)_stamp * 3);
        Check.That((Pair)_boxedStruct == new Pair(_stamp, Text(_stamp)));
        Check.That(_element == Value(_stamp, 7));
        Check.That(Unsafe.Add(ref _element, 8) == Value(_stamp, 15));
        Check.That(_field == _stamp + 2L);
        Check.That(_unboxed == (long)_stamp * 5);
        Check.That(_slice.SequenceEqual(Text(_stamp).AsSpan(1)));
        for (int i = 0; i < _array.Length; i++)
        {
            Check.That(_array[i] == Value(_stamp, i + 5));
        }

        for (int i = 0; i < _scratch.Length; i++)
        {
            Check.That(_scratch[i] == Value(_stamp, i));
        }
    }

    /// <summary>An array whose elements follow from a stamp.</summary>
    public static int[] Filled(int length, int stamp)
    {
        int[] array = new int[length];
        Fill(array, stamp);
        return array;
    }

    /// <summary>What element i of such an array is.</summary>
    public static int Value(int stamp, int i) => stamp * 31 + i;

    public static string Text(int stamp) => string.Create(CultureInfo.InvariantCulture, $"text {stamp}");

    private static void Fill(Span<int> span, int stamp)
    {
        for (int i = 0; i < span.Length; i++)
        {
            span[i] = Value(stamp, i);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Pair(int Number, string Text);
}
