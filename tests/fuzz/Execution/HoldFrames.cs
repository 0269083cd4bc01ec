using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Frames that hold references, numbers, vectors, memory of their own stack, pinned objects.</summary>
internal static unsafe class HoldFrames
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void References(Step step)
    {
        Holdings holdings = new(step.Stamp, stackalloc int[5]);
        step.Player.Witness = Sample.MakeCell(step.Stamp);
        Cell witness = step.Player.Witness;
        do
        {
            holdings.Verify();
            Sample.Verify(witness, step.Stamp);
        }
        while (step.PlayNext());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Numbers(Step step)
    {
        int s = step.Stamp;
        byte a = Sample.MakeByte(s);
        short b = Sample.MakeInt16(s);
        int c = Sample.MakeInt32(s);
        long d = Sample.MakeInt64(s);
        Int128 e = Sample.MakeInt128(s);
        float f = Sample.MakeSingle(s);
        double g = Sample.MakeDouble(s);
        decimal h = Sample.MakeDecimal(s);
        Guid i = Sample.MakeGuid(s);
        int? j = Sample.MakeNullable(s);
        (int, string) k = Sample.MakeTuple(s);
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s);
            Sample.Verify(c, s);
            Sample.Verify(d, s);
            Sample.Verify(e, s);
            Sample.Verify(f, s);
            Sample.Verify(g, s);
            Sample.Verify(h, s);
            Sample.Verify(i, s);
            Sample.Verify(j, s);
            Sample.Verify(k, s);
        }
        while (step.PlayNext());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Vectors(Step step)
    {
        int s = step.Stamp;
        Vector128<int> small = Sample.MakeVector128(s);
        Vector256<long> middle = Sample.MakeVector256(s);
        Vector512<double> large = Sample.MakeVector512(s);
        Sample.Bundle bundle = Sample.MakeBundle(s);
        do
        {
            Sample.Verify(small, s);
            Sample.Verify(middle, s);
            Sample.Verify(large, s);
            Sample.Verify(bundle, s);
        }
        while (step.PlayNext());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Stackalloc(Step step)
    {
        int s = step.Stamp;
        Span<int> span = stackalloc int[1 + step.Operation.Number % 500];
        int* pointer = stackalloc int[4];
        for (int i = 0; i < span.Length; i++)
        {
            span[i] = Holdings.Value(s, i);
        }

        ref int last = ref span[^1];
        pointer[3] = s;
        do
        {
            for (int i = 0; i < span.Length; i++)
            {
                Check.That(span[i] == Holdings.Value(s, i));
            }

            Check.That(Unsafe.AreSame(ref last, ref span[^1]) && pointer[3] == s);
        }
        while (step.PlayNext());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ByReference(Step step)
    {
        int s = step.Stamp;
        int onStack = s;
        Cell cell = Sample.MakeCell(s);
        Cell[] cells = [Sample.MakeCell(s + 1), Sample.MakeCell(s + 2)];
        ByReference(step, ref cell, ref onStack, in cells[1], ref Sample.MakeElement(s), out string text);
        Sample.Verify(cell, s + 3);
        Check.That(onStack > s);
        Sample.Verify(cells[0], s + 1);
        Sample.Verify(cells[1], s + 2);
        Sample.Verify(text, s);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Pinned(Step step)
    {
        int s = step.Stamp;
        int[] array = Sample.MakeArray(s);
        string text = Sample.MakeText(s);
        int[] other = Sample.MakeArray(s + 1);
        GCHandle handle = GCHandle.Alloc(other, GCHandleType.Pinned);
        try
        {
            nint otherAddress = handle.AddrOfPinnedObject();
            fixed (int* first = array)
            {
                fixed (char* letters = text)
                {
                    nint arrayAddress = (nint)first;
                    nint textAddress = (nint)letters;
                    do
                    {
                        Sample.Verify(array, s);
                        Sample.Verify(other, s + 1);
                        Sample.Verify(text, s);
                        Check.That((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array)) == arrayAddress);
                        Check.That((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(other)) == otherAddress);
                        Check.That((nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(text.AsSpan())) == textAddress);
                        Check.That(first[1] == Holdings.Value(s, 1) && letters[0] == text[0]);
                    }
                    while (step.PlayNext());
                }
            }
        }
        finally
        {
            handle.Free();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ByReference(Step step, ref Cell cell, ref int onStack, in Cell element, ref int middle, out string text)
    {
        int s = step.Stamp;
        Sample.Verify(cell, s);
        text = Sample.MakeText(s);
        cell = Sample.MakeCell(s + 3);
        do
        {
            onStack++;
            Sample.Verify(cell, s + 3);
            Sample.Verify(element, s + 2);
            Sample.Verify(ref middle, s);
            Sample.Verify(text, s);
        }
        while (step.PlayNext());
    }
}
