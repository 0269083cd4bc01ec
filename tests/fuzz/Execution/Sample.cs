using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Values of many types, each of which follows from a number, so that it can be made again and compared.</summary>
/// <remarks>Generated code finds the pairs <c>Make...</c> and <c>Verify</c> by reflection.</remarks>
internal static class Sample
{
    private const int Length = 9;

    public static byte MakeByte(int stamp) => (byte)(stamp * 7);

    public static short MakeInt16(int stamp) => (short)(stamp * 5);

    public static int MakeInt32(int stamp) => stamp * 3;

    public static long MakeInt64(int stamp) => (long)stamp * -1_000_003;

    public static Int128 MakeInt128(int stamp) => (Int128)MakeInt64(stamp) * MakeInt64(stamp + 1);

    public static float MakeSingle(int stamp) => stamp * 0.25f;

    public static double MakeDouble(int stamp) => stamp / 3.0;

    public static decimal MakeDecimal(int stamp) => stamp / 8m;

    public static Guid MakeGuid(int stamp) => new(stamp, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

    public static int? MakeNullable(int stamp) => (stamp & 1) != 0 ? stamp : null;

    public static string MakeText(int stamp) => Holdings.Text(stamp);

    public static Cell MakeCell(int stamp) => new(stamp, new Cell(stamp + 1L));

    public static object MakeBox(int stamp) => MakeDecimal(stamp);

    public static int[] MakeArray(int stamp) => Holdings.Filled(Length + (stamp & 31), stamp);

    public static (int Number, string Text) MakeTuple(int stamp) => (stamp, MakeText(stamp));

    public static Bundle MakeBundle(int stamp) => new(stamp);

    public static Vector128<int> MakeVector128(int stamp) => Vector128.Create(stamp, stamp + 1, stamp + 2, stamp + 3);

    public static Vector256<long> MakeVector256(int stamp) => Vector256.Create(stamp, stamp + 1L, stamp + 2, stamp + 3);

    public static Vector512<double> MakeVector512(int stamp) => Vector512.Create((double)stamp, 1, 2, 3, 4, 5, 6, stamp + 7);

    public static Span<int> MakeSpan(int stamp) => MakeArray(stamp).AsSpan(1, Length - 2);

    public static ReadOnlySpan<char> MakeSlice(int stamp) => MakeText(stamp).AsSpan(2);

    /// <summary>Into the middle of an object that nothing else refers to.</summary>
    public static ref long MakeField(int stamp) => ref new Cell(stamp).Stamp;

    /// <summary>Into the middle of an array that nothing else refers to.</summary>
    public static ref int MakeElement(int stamp) => ref MakeArray(stamp)[Length - 1];

    public static void Verify(byte value, int stamp) => Check.That(value == MakeByte(stamp));

    public static void Verify(short value, int stamp) => Check.That(value == MakeInt16(stamp));

    public static void Verify(int value, int stamp) => Check.That(value == MakeInt32(stamp));

    public static void Verify(long value, int stamp) => Check.That(value == MakeInt64(stamp));

    public static void Verify(Int128 value, int stamp) => Check.That(value == MakeInt128(stamp));

    public static void Verify(float value, int stamp) => Check.That(value == MakeSingle(stamp));

    public static void Verify(double value, int stamp) => Check.That(value == MakeDouble(stamp));

    public static void Verify(decimal value, int stamp) => Check.That(value == MakeDecimal(stamp));

    public static void Verify(Guid value, int stamp) => Check.That(value == MakeGuid(stamp));

    public static void Verify(int? value, int stamp) => Check.That(value == MakeNullable(stamp));

    public static void Verify(string value, int stamp) => Check.That(value == MakeText(stamp));

    public static void Verify(Cell value, int stamp) => Check.That(value.Is(stamp) && value.Next!.Is(stamp + 1L));

    public static void Verify(object value, int stamp) => Check.That((decimal)value == MakeDecimal(stamp));

    public static void Verify(int[] value, int stamp)
    {
        Check.That(value.Length == Length + (stamp & 31));
        VerifyElements(value, stamp, 0);
    }

    public static void Verify((int Number, string Text) value, int stamp) => Check.That(value == MakeTuple(stamp));

    public static void Verify(Bundle value, int stamp) => value.Verify(stamp);

    public static void Verify(Vector128<int> value, int stamp) => Check.That(value == MakeVector128(stamp));

    public static void Verify(Vector256<long> value, int stamp) => Check.That(value == MakeVector256(stamp));

    public static void Verify(Vector512<double> value, int stamp) => Check.That(value == MakeVector512(stamp));

    public static void Verify(Span<int> value, int stamp)
    {
        Check.That(value.Length == Length - 2);
        VerifyElements(value, stamp, 1);
    }

    public static void Verify(ReadOnlySpan<char> value, int stamp) => Check.That(value.SequenceEqual(MakeText(stamp).AsSpan(2)));

    public static void Verify(ref long value, int stamp) => Check.That(value == stamp);

    public static void Verify(ref int value, int stamp) => Check.That(value == Holdings.Value(stamp, Length - 1));

    private static void VerifyElements(ReadOnlySpan<int> elements, int stamp, int first)
    {
        for (int i = 0; i < elements.Length; i++)
        {
            Check.That(elements[i] == Holdings.Value(stamp, i + first));
        }
    }

    /// <summary>A large structure with references among numbers.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly struct Bundle(int stamp)
    {
        private readonly decimal _money = MakeDecimal(stamp);
        private readonly string _text = MakeText(stamp);
        private readonly Vector128<int> _vector = MakeVector128(stamp);
        private readonly Cell _cell = MakeCell(stamp);
        private readonly byte _byte = MakeByte(stamp);
        private readonly object _box = MakeBox(stamp);
        private readonly double _double = MakeDouble(stamp);

        public void Verify(int stamp)
        {
            Sample.Verify(_money, stamp);
            Sample.Verify(_text, stamp);
            Sample.Verify(_vector, stamp);
            Sample.Verify(_cell, stamp);
            Sample.Verify(_byte, stamp);
            Sample.Verify(_box, stamp);
            Sample.Verify(_double, stamp);
        }
    }
}
