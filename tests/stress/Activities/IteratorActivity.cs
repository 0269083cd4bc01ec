namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside iterators, LINQ's lambdas and lazy values.</summary>
internal sealed class IteratorActivity : Activity
{
    public override string Name => "iterators";

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        switch (actor.Random.Next(3))
        {
            case 0:
                int seen = 0;
                foreach (Cell cell in Cells(actor, depth, stamp))
                {
                    actor.MayPause();
                    Check.That(cell.Is(stamp + seen));
                    seen++;
                }

                Check.That(seen == 3);
                break;

            case 1:
                string[] texts =
                [
                    .. Enumerable.Range(stamp, 4)
                        .Select(i =>
                        {
                            actor.MayPause();
                            return new Cell(i);
                        })
                        .Where(cell =>
                        {
                            actor.MayPause();
                            return cell.Is(cell.Stamp);
                        })
                        .GroupBy(cell => cell.Stamp % 2)
                        .SelectMany(group => group)
                        .Select(cell => Holdings.Text((int)cell.Stamp))
                        .Order(StringComparer.Ordinal),
                ];
                Check.That(texts.Length == 4 && texts.Contains(Holdings.Text(stamp)));
                actor.Descend(depth);
                break;

            default:
                Lazy<string> lazy = new(() =>
                {
                    actor.Descend(depth);
                    return Holdings.Text(stamp);
                });
                Check.That(lazy.Value == Holdings.Text(stamp));
                break;
        }

        holdings.Verify();
    }

    private static IEnumerable<Cell> Cells(Actor actor, int depth, int stamp)
    {
        try
        {
            for (int i = 0; i < 3; i++)
            {
                actor.MayPause();
                yield return new Cell(stamp + i);
            }
        }
        finally
        {
            actor.Descend(depth);
        }
    }
}
