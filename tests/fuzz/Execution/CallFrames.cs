using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Calls with up to twelve arguments of mixed types, recursion, loops.</summary>
internal static class CallFrames
{
    private const int MostArguments = 12;
    private const int MostRecursion = 12;
    private const int MostIterations = 3;
    private const int OsrIterations = 60_000; // enough for on-stack replacement of a method that runs unoptimized

    [ThreadStatic]
    private static Step? t_step; // for the one without arguments

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Call(Step step)
    {
        int s = step.Stamp;
        switch (step.Operation.Number % (MostArguments + 1))
        {
            case 0:
                t_step = step;
                Sample.Verify(Call0(), s);
                break;
            case 1:
                Sample.Verify(Call1(step), s);
                break;
            case 2:
                Sample.Verify(Call2(step, Sample.MakeDouble(s)), s);
                break;
            case 3:
                Sample.Verify(Call3(Sample.MakeText(s), step, Sample.MakeBundle(s)), s);
                break;
            case 4:
                Sample.Verify(Call4(step, Sample.MakeInt128(s), Sample.MakeCell(s + 1), Sample.MakeSingle(s + 2)), s);
                break;
            case 5:
                Call5(Sample.MakeByte(s), Sample.MakeCell(s + 1), Sample.MakeDecimal(s + 2), step, Sample.MakeNullable(s + 3));
                break;
            case 6:
                Sample.Verify(ref Call6(step, ref Sample.MakeField(s), Sample.MakeSpan(s + 1), Sample.MakeInt64(s + 2), Sample.MakeBox(s + 3), Sample.MakeInt16(s + 4)), s);
                break;
            case 7:
                Call7(Sample.MakeVector256(s), step, Sample.MakeArray(s + 1), Sample.MakeDouble(s + 2), Sample.MakeTuple(s + 3), Sample.MakeByte(s + 4), Sample.MakeText(s + 5));
                break;
            case 8:
                Sample.Verify(Call8(Sample.MakeInt32(s), Sample.MakeInt32(s + 1), Sample.MakeText(s + 2), Sample.MakeCell(s + 3), Sample.MakeBox(s + 4), Sample.MakeArray(s + 5), Sample.MakeSlice(s + 6), step), s);
                break;
            case 9:
                Call9(step, Sample.MakeDouble(s), Sample.MakeSingle(s + 1), Sample.MakeDouble(s + 2), Sample.MakeDouble(s + 3), Sample.MakeSingle(s + 4), Sample.MakeDouble(s + 5), Sample.MakeCell(s + 6), Sample.MakeDouble(s + 7));
                break;
            case 10:
                Sample.Verify(Call10(Sample.MakeGuid(s), step, Sample.MakeBundle(s + 1), in Sample.MakeElement(s + 2), Sample.MakeInt64(s + 3), Sample.MakeVector128(s + 4), Sample.MakeText(s + 5), Sample.MakeNullable(s + 6), Sample.MakeCell(s + 7), Sample.MakeDecimal(s + 8)), s);
                break;
            case 11:
                Call11(Sample.MakeCell(s), Sample.MakeCell(s + 1), Sample.MakeCell(s + 2), Sample.MakeText(s + 3), Sample.MakeText(s + 4), Sample.MakeArray(s + 5), Sample.MakeBox(s + 6), Sample.MakeCell(s + 7), Sample.MakeText(s + 8), Sample.MakeCell(s + 9), step);
                break;
            default:
                Sample.Verify(Call12(step, Sample.MakeInt32(s), Sample.MakeText(s + 1), Sample.MakeDouble(s + 2), Sample.MakeCell(s + 3), Sample.MakeDecimal(s + 4), Sample.MakeTuple(s + 5), ref Sample.MakeField(s + 6), Sample.MakeVector512(s + 7), Sample.MakeNullable(s + 8), Sample.MakeGuid(s + 9), Sample.MakeByte(s + 10)), s);
                break;
        }
    }

    public static void Recurse(Step step) => Sample.Verify(Recurse(step, 1 + step.Operation.Number % MostRecursion), step.Stamp);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Loop(Step step)
    {
        int s = step.Stamp;
        Cell cell = Sample.MakeCell(s);
        ref int element = ref Sample.MakeElement(s);
        if (step.Operation.Number % 8 == 0)
        {
            LongLoop(step);
            return;
        }

        for (int i = step.Operation.Number % MostIterations; i >= 0; i--)
        {
            Cell inner = new(s + i, cell);
            step.Player.PlayAll(step.Operation.Body);
            Check.That(inner.Is(s + i) && inner.Next == cell);
            Sample.Verify(cell, s);
            Sample.Verify(ref element, s);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LongLoop(Step step)
    {
        int s = step.Stamp;
        Cell cell = Sample.MakeCell(s);
        ref long field = ref Sample.MakeField(s);
        long sum = 0;
        for (int i = 0; i < OsrIterations; i++)
        {
            sum += i ^ s;
            if (i % 20_000 == 19_000)
            {
                Cell inner = new(i, cell);
                _ = step.PlayNext();
                Check.That(inner.Is(i) && inner.Next == cell);
                Sample.Verify(cell, s);
            }
        }

        Sample.Verify(ref field, s);
        Check.That(sum == LongLoopSum(s));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long LongLoopSum(int stamp)
    {
        long sum = 0;
        for (int i = 0; i < OsrIterations; i++)
        {
            sum += i ^ stamp;
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string Recurse(Step step, int depth)
    {
        int s = step.Stamp + depth;
        Cell cell = Sample.MakeCell(s);
        double number = Sample.MakeDouble(s);
        if (depth > 0)
        {
            Sample.Verify(Recurse(step, depth - 1), step.Stamp);
        }

        do
        {
            Sample.Verify(cell, s);
            Sample.Verify(number, s);
        }
        while (step.PlayNext());
        return Sample.MakeText(step.Stamp);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Call0()
    {
        Step step = t_step!;
        t_step = null;
        while (step.PlayNext())
        {
        }

        return Sample.MakeInt32(step.Stamp);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string Call1(Step step)
    {
        string text = Sample.MakeText(step.Stamp);
        while (step.PlayNext())
        {
            Sample.Verify(text, step.Stamp);
        }

        return text;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double Call2(Step step, double a)
    {
        do
        {
            Sample.Verify(a, step.Stamp);
        }
        while (step.PlayNext());
        return a;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Sample.Bundle Call3(string a, Step step, Sample.Bundle b)
    {
        do
        {
            Sample.Verify(a, step.Stamp);
            Sample.Verify(b, step.Stamp);
        }
        while (step.PlayNext());
        return b;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Int128 Call4(Step step, Int128 a, Cell b, float c)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(c, s + 2);
        }
        while (step.PlayNext());
        return a;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Call5(byte a, Cell b, decimal c, Step step, int? d)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(c, s + 2);
            Sample.Verify(d, s + 3);
        }
        while (step.PlayNext());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ref long Call6(Step step, ref long a, Span<int> b, long c, object d, short e)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(ref a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(c, s + 2);
            Sample.Verify(d, s + 3);
            Sample.Verify(e, s + 4);
        }
        while (step.PlayNext());
        return ref a;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Call7(Vector256<long> a, Step step, int[] b, double c, (int, string) d, byte e, string f)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(c, s + 2);
            Sample.Verify(d, s + 3);
            Sample.Verify(e, s + 4);
            Sample.Verify(f, s + 5);
        }
        while (step.PlayNext());
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Call8(int a, int b, string c, Cell d, object e, int[] f, ReadOnlySpan<char> g, Step step)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(c, s + 2);
            Sample.Verify(d, s + 3);
            Sample.Verify(e, s + 4);
            Sample.Verify(f, s + 5);
            Sample.Verify(g, s + 6);
        }
        while (step.PlayNext());
        return a;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Call9(Step step, double a, float b, double c, double d, float e, double f, Cell g, double h)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(c, s + 2);
            Sample.Verify(d, s + 3);
            Sample.Verify(e, s + 4);
            Sample.Verify(f, s + 5);
            Sample.Verify(g, s + 6);
            Sample.Verify(h, s + 7);
        }
        while (step.PlayNext());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Guid Call10(Guid a, Step step, Sample.Bundle b, in int c, long d, Vector128<int> e, string f, int? g, Cell h, decimal i)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(ref Unsafe.AsRef(in c), s + 2);
            Sample.Verify(d, s + 3);
            Sample.Verify(e, s + 4);
            Sample.Verify(f, s + 5);
            Sample.Verify(g, s + 6);
            Sample.Verify(h, s + 7);
            Sample.Verify(i, s + 8);
        }
        while (step.PlayNext());
        return a;
    }

    // More references than there are registers.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Call11(Cell a, Cell b, Cell c, string d, string e, int[] f, object g, Cell h, string i, Cell j, Step step)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(c, s + 2);
            Sample.Verify(d, s + 3);
            Sample.Verify(e, s + 4);
            Sample.Verify(f, s + 5);
            Sample.Verify(g, s + 6);
            Sample.Verify(h, s + 7);
            Sample.Verify(i, s + 8);
            Sample.Verify(j, s + 9);
        }
        while (step.PlayNext());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Call12(Step step, int a, string b, double c, Cell d, decimal e, (int, string) f, ref long g, Vector512<double> h, int? i, Guid j, byte k)
    {
        int s = step.Stamp;
        do
        {
            Sample.Verify(a, s);
            Sample.Verify(b, s + 1);
            Sample.Verify(c, s + 2);
            Sample.Verify(d, s + 3);
            Sample.Verify(e, s + 4);
            Sample.Verify(f, s + 5);
            Sample.Verify(ref g, s + 6);
            Sample.Verify(h, s + 7);
            Sample.Verify(i, s + 8);
            Sample.Verify(j, s + 9);
            Sample.Verify(k, s + 10);
        }
        while (step.PlayNext());
        return a;
    }
}
