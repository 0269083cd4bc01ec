using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside callbacks from native code: the C library's <c>qsort</c>, through a function pointer and through
/// a marshalled delegate. Its frames stay on the parked stack.</summary>
internal sealed unsafe class NativeCallbackActivity : Activity
{
    private const int Length = 10;

    [ThreadStatic]
    private static int t_depth;

    public override string Name => "native";

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        switch (actor.Random.Next(3))
        {
            case 0:
                ThroughPointer(actor, depth);
                break;
            case 1:
                ThroughPointerPinned(actor, depth);
                break;
            default:
                ThroughDelegate(actor, depth, stamp);
                break;
        }

        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThroughPointer(Actor actor, int depth)
    {
        int* items = stackalloc int[Length];
        Fill(actor, new Span<int>(items, Length));
        t_depth = depth;
        NativeSort.Sort(items, Length, sizeof(int), &Compare);
        VerifySorted(new Span<int>(items, Length));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThroughPointerPinned(Actor actor, int depth)
    {
        int[] array = new int[Length];
        Fill(actor, array);
        t_depth = depth;
        fixed (int* items = array)
        {
            NativeSort.Sort(items, Length, sizeof(int), &Compare);
        }

        VerifySorted(array);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThroughDelegate(Actor actor, int depth, int stamp)
    {
        int* items = stackalloc int[Length];
        Fill(actor, new Span<int>(items, Length));
        Cell held = new(stamp);
        int calls = 0;
        NativeSort.Comparison compare = (left, right) =>
        {
            Cell inside = new(*left, held);
            if (calls++ == 0)
            {
                actor.Descend(depth);
            }
            else if (actor.Once(8))
            {
                actor.Pause();
            }

            Check.That(inside.Is(*left) && inside.Next == held && held.Is(stamp));
            return (*left).CompareTo(*right);
        };
        NativeSort.Sort(items, Length, sizeof(int), compare);
        GC.KeepAlive(compare);
        VerifySorted(new Span<int>(items, Length));
    }

    // An exception must not leave it: it has native code below it.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Compare(int* left, int* right)
    {
        try
        {
            Actor actor = Actor.Current;
            Cell inside = new(*left);
            if (t_depth is > 0 and var depth)
            {
                t_depth = 0;
                actor.Descend(depth);
            }
            else if (actor.Once(8))
            {
                actor.Pause();
            }

            Check.That(inside.Is(*left));
            return (*left).CompareTo(*right);
        }
        catch (Exception exception)
        {
            Check.Fail("an exception escaped into native code", exception);
            return 0;
        }
    }

    private static void Fill(Actor actor, Span<int> items)
    {
        for (int i = 0; i < items.Length; i++)
        {
            items[i] = actor.Random.Next(1000);
        }
    }

    private static void VerifySorted(ReadOnlySpan<int> items)
    {
        for (int i = 1; i < items.Length; i++)
        {
            Check.That(items[i - 1] <= items[i]);
        }
    }
}
