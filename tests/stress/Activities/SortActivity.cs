namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside the comparers of the core library's sorts, which work on spans and references.</summary>
internal sealed class SortActivity : Activity
{
    private const int Length = 12;

    public override string Name => "sort";

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Cell[] cells = new Cell[Length];
        for (int i = 0; i < Length; i++)
        {
            cells[i] = new Cell(actor.Random.Next(1000));
        }

        long sum = cells.Sum(cell => cell.Stamp);
        Comparer comparer = new(actor, depth, throwsAt: -1);
        Holdings holdings = new(stamp, stackalloc int[4]);
        switch (actor.Random.Next(actor.MayThrow ? 5 : 4))
        {
            case 0:
                Array.Sort(cells, comparer);
                break;

            case 1:
                List<Cell> list = [.. cells];
                list.Sort(comparer.Compare);
                cells = [.. list];
                break;

            case 2:
                int[] keys = [.. cells.Select(cell => (int)cell.Stamp)];
                Array.Sort(keys, cells, comparer);
                break;

            case 3:
                cells = [.. cells.OrderBy(cell => cell, comparer)];
                break;

            default:
                Throwing(actor, depth, [.. cells]);
                Array.Sort(cells, comparer);
                break;
        }

        holdings.Verify();
        Check.That(cells.Sum(cell => cell.Stamp) == sum);
        for (int i = 1; i < Length; i++)
        {
            Check.That(cells[i - 1].Stamp <= cells[i].Stamp && cells[i].Is(cells[i].Stamp));
        }
    }

    // What a sort leaves behind when its comparer throws need not be complete.
    private static void Throwing(Actor actor, int depth, Cell[] cells)
    {
        try
        {
            Array.Sort(cells, new Comparer(actor, depth, throwsAt: actor.Random.Next(1, Length)));
            Check.Fail("an exception was lost");
        }
        catch (InvalidOperationException exception)
        {
            actor.Pause();
            Mishap mishap = (Mishap)exception.InnerException!;
            mishap.Verify(mishap.Stamp);
        }
    }

    private sealed class Comparer(Actor actor, int depth, int throwsAt) : IComparer<Cell>, IComparer<int>
    {
        private int _calls;

        public int Compare(Cell? x, Cell? y)
        {
            long left = x!.Stamp;
            long right = y!.Stamp;
            Work();
            Check.That(x.Is(left) && y.Is(right));
            return left.CompareTo(right);
        }

        public int Compare(int x, int y)
        {
            Work();
            return x.CompareTo(y);
        }

        private void Work()
        {
            _calls++;
            if (_calls == throwsAt)
            {
                Mishap.Throw(actor, actor.Stamp());
            }
            else if (_calls == 2)
            {
                actor.Descend(depth);
            }
            else if (actor.Once(8))
            {
                actor.Pause();
            }
        }
    }
}
