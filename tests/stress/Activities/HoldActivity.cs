using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses while the frame holds references of every kind, in registers and on the stack.</summary>
internal sealed unsafe class HoldActivity : Activity
{
    private const int OsrIterations = 60_000; // enough for on-stack replacement of a method that runs unoptimized

    private interface IStamped
    {
        void PauseInside(Actor actor, int depth, int stamp);
    }

    public override string Name => "hold";

    public override bool IsTransparent => true;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        switch (actor.Random.Next(9))
        {
            case 0:
            case 1:
                InStruct(actor, depth, stamp);
                break;
            case 2:
                InLocals(actor, depth, stamp);
                break;
            case 3:
                InOptimizedLocals(actor, depth, stamp);
                break;
            case 4:
                Pinned(actor, depth, stamp);
                break;
            case 5:
                ByReference(actor, depth, stamp);
                break;
            case 6:
                IStamped boxed = new Boxed(stamp);
                boxed.PauseInside(actor, depth, stamp);
                break;
            case 7:
                Locked(actor, depth, stamp);
                break;
            default:
                if (actor.Once(4))
                {
                    InLongLoop(actor, stamp);
                }
                else
                {
                    LargeArgument(actor, depth, stamp, new Large(stamp));
                }

                break;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void InStruct(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[12]);
        actor.Pause();
        holdings.Verify();
        actor.Descend(depth);
        holdings.Verify();
        actor.MayPause();
        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void InLocals(Actor actor, int depth, int stamp)
    {
        Cell cell = new(stamp);
        string text = Holdings.Text(stamp);
        object number = (long)stamp;
        ref int element = ref Holdings.Filled(20, stamp)[11];
        ReadOnlySpan<int> span = Holdings.Filled(9, stamp);
        for (int i = 0; i < 2; i++)
        {
            actor.Pause();
            Check.That(cell.Is(stamp));
            Check.That(text == Holdings.Text(stamp));
            Check.That((long)number == stamp);
            Check.That(element == Holdings.Value(stamp, 11));
            Check.That(span[8] == Holdings.Value(stamp, 8));
            if (i == 0)
            {
                actor.Descend(depth);
            }
        }

        Check.That(cell.Is(stamp));
        Check.That(span[0] == Holdings.Value(stamp, 0));
    }

    // Callee-saved registers hold these over the switch.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void InOptimizedLocals(Actor actor, int depth, int stamp)
    {
        Cell cell = new(stamp);
        Cell other = new(stamp + 1L, cell);
        string text = Holdings.Text(stamp);
        int[] array = Holdings.Filled(16, stamp);
        ref int element = ref array[3];
        double real = stamp * 0.5;
        actor.Pause();
        Check.That(cell.Is(stamp) && other.Next == cell);
        Check.That(element == Holdings.Value(stamp, 3));
        element = 7;
        actor.Descend(depth);
        Check.That(array[3] == 7);
        Check.That(Unsafe.AreSame(ref element, ref array[3]));
        actor.MayPause();
        Check.That(other.Is(stamp + 1L) && other.Next == cell && cell.Is(stamp));
        Check.That(text == Holdings.Text(stamp));
        Check.That(real == stamp * 0.5);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Pinned(Actor actor, int depth, int stamp)
    {
        int[] array = Holdings.Filled(24, stamp);
        string text = Holdings.Text(stamp);
        fixed (int* first = array)
        {
            fixed (char* letters = text)
            {
                nint arrayAddress = (nint)first;
                nint textAddress = (nint)letters;
                for (int i = 0; i < 2; i++)
                {
                    actor.Pause();
                    Check.That((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array)) == arrayAddress);
                    Check.That((nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(text.AsSpan())) == textAddress);
                    for (int k = 0; k < array.Length; k++)
                    {
                        Check.That(first[k] == Holdings.Value(stamp, k));
                    }

                    if (i == 0)
                    {
                        actor.Descend(depth);
                    }
                }

                Check.That(new string(letters) == Holdings.Text(stamp));
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ByReference(Actor actor, int depth, int stamp)
    {
        Cell cell = new(stamp);
        int number = stamp;
        int* onStack = stackalloc int[6];
        onStack[5] = stamp;
        Cell[] cells = [new Cell(stamp + 1L), new Cell(stamp + 2L)];
        PauseWithReferences(actor, depth, stamp, ref cell, ref number, in cells[1], ref onStack[5], out string text);
        Check.That(cell.Is(stamp + 3L));
        Check.That(number == stamp + 1);
        Check.That(cells[0].Is(stamp + 1L) && cells[1].Is(stamp + 2L));
        Check.That(onStack[5] == stamp + 1);
        Check.That(text == Holdings.Text(stamp));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PauseWithReferences(Actor actor, int depth, int stamp, ref Cell cell, ref int number, in Cell element, ref int onStack, out string text)
    {
        actor.Pause();
        Check.That(cell.Is(stamp) && element.Is(stamp + 2L) && number == stamp && onStack == stamp);
        number++;
        onStack++;
        text = Holdings.Text(stamp);
        cell = new Cell(stamp + 3L);
        actor.Descend(depth);
        Check.That(cell.Is(stamp + 3L) && element.Is(stamp + 2L) && number == stamp + 1 && onStack == stamp + 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Locked(Actor actor, int depth, int stamp)
    {
        object key = new();
        Cell cell = new(stamp);
        lock (key)
        {
            actor.Pause();
            Check.That(cell.Is(stamp));
            lock (key)
            {
                actor.Descend(depth);
            }

            Check.That(Monitor.IsEntered(key));
        }

        Check.That(!Monitor.IsEntered(key));
        Check.That(cell.Is(stamp));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void InLongLoop(Actor actor, int stamp)
    {
        Cell cell = new(stamp);
        ref int element = ref Holdings.Filled(30, stamp)[29];
        long sum = 0;
        for (int i = 0; i < OsrIterations; i++)
        {
            sum += i ^ stamp;
            if (i % 20_000 == 19_000)
            {
                Cell inner = new(i, cell);
                actor.Pause();
                Check.That(inner.Is(i) && inner.Next == cell);
            }
        }

        Check.That(cell.Is(stamp));
        Check.That(element == Holdings.Value(stamp, 29));
        Check.That(sum == LongLoopSum(stamp));
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
    private static void LargeArgument(Actor actor, int depth, int stamp, Large large)
    {
        actor.Pause();
        large.Verify(stamp);
        actor.Descend(depth);
        large.Verify(stamp);
    }

    private readonly struct Large(int stamp)
    {
        private readonly decimal _money = stamp;
        private readonly string _text = Holdings.Text(stamp);
        private readonly Guid _guid = new(stamp, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        private readonly Cell _cell = new(stamp);
        private readonly Vector128Pair _vectors = new(stamp);

        public void Verify(int stamp)
        {
            Check.That(_money == stamp);
            Check.That(_text == Holdings.Text(stamp));
            Check.That(_guid == new Guid(stamp, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
            Check.That(_cell.Is(stamp));
            Check.That(_vectors == new Vector128Pair(stamp));
        }
    }

    private readonly record struct Vector128Pair(System.Runtime.Intrinsics.Vector128<int> First, System.Runtime.Intrinsics.Vector128<int> Second)
    {
        public Vector128Pair(int stamp)
            : this(System.Runtime.Intrinsics.Vector128.Create(stamp), System.Runtime.Intrinsics.Vector128.Create(stamp + 1))
        {
        }
    }

    // `this` of its method is a reference into the box.
    private struct Boxed(int stamp) : IStamped
    {
        private readonly Cell _cell = new(stamp);
        private int _number = stamp;

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void PauseInside(Actor actor, int depth, int stamp)
        {
            actor.Pause();
            Check.That(_number == stamp && _cell.Is(stamp));
            _number++;
            actor.Descend(depth);
            Check.That(_number == stamp + 1 && _cell.Is(stamp));
        }
    }
}
